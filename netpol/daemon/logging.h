// The daemon's log: one line for each thing that happened, on stderr.
#ifndef NETPOL_DAEMON_LOGGING_H_
#define NETPOL_DAEMON_LOGGING_H_

#include "absl/strings/string_view.h"

namespace netpol {

// Level 0 logs what was done and what went wrong, 1 and above also what was
// looked at. Call before other threads log. Until then nothing is lost, and
// level 0 counts.
void SetLogVerbosity(int verbosity);

// Thread-safe; each is one line with time and level, written at once. Never
// fail.
void LogDebug(absl::string_view line);
void LogInfo(absl::string_view line);
void LogWarning(absl::string_view line);
void LogError(absl::string_view line);

}  // namespace netpol

#endif  // NETPOL_DAEMON_LOGGING_H_
