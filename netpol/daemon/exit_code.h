// What a command of netpolctl says to the shell.
#ifndef NETPOL_DAEMON_EXIT_CODE_H_
#define NETPOL_DAEMON_EXIT_CODE_H_

namespace netpol {

enum ExitCode : int {
  kDone = 0,     // also: there was nothing to do
  kFailed = 1,   // or done in part; stderr says what is missing
  kChanges = 2,  // `plan` and `cleanup --dry-run`: something would change
  kUsage = 64,   // the command line is wrong (EX_USAGE, sysexits.h)
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXIT_CODE_H_
