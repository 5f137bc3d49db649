// The daemon's log: one line for each thing that happened, on stderr.
#ifndef NETPOL_DAEMON_LOGGING_H_
#define NETPOL_DAEMON_LOGGING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace netpol {

enum class LogFormat {
  kText,  // 2026-01-31T12:00:00.000+00:00 info synced in 1.2 ms: ...
  kJson,  // {"ts":"2026-01-31T12:00:00.000+00:00","level":"info","msg":"..."}
};

// Level 0 logs what was done and what went wrong, 1 and above also what was
// looked at. Call before other threads log. Until then nothing is lost, and
// level 0 counts.
void SetLogVerbosity(int verbosity);
// Likewise; until then it is text.
void SetLogFormat(LogFormat format);

// Thread-safe; each is one line with time and level, written at once, whatever
// it holds. Never fail.
void LogDebug(absl::string_view line);
void LogInfo(absl::string_view line);
void LogWarning(absl::string_view line);
void LogError(absl::string_view line);

// `message` as it stands in a line of that format: control characters escaped;
// for JSON with quotation marks around it, and bytes that are no UTF-8
// replaced.
std::string LogForm(absl::string_view message, LogFormat format);

}  // namespace netpol

#endif  // NETPOL_DAEMON_LOGGING_H_
