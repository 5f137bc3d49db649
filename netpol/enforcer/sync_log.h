// What happens in the controller's loop, as lines of the log.
#ifndef NETPOL_ENFORCER_SYNC_LOG_H_
#define NETPOL_ENFORCER_SYNC_LOG_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "netpol/enforcer/error_limiter.h"
#include "netpol/policy/object_key.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {

// Where lines go.
struct LogSinks {
  std::function<void(const std::string&)> info;
  std::function<void(const std::string&)> error;
  std::function<void(const std::string&)> debug;
  std::function<void(const std::string&)> warning;  // empty: info
};

// One line for each sync that wrote something, for what it mended after another
// program, for each change of a policy's problems, and for each error, the same
// error at most once a minute. Says "ready" after the first sync.
// Thread-compatible: belongs to the loop's thread.
class SyncLog {
 public:
  explicit SyncLog(LogSinks sinks) : sinks_(std::move(sinks)) {}

  // A sync that ended at `now` and took `duration`.
  void OnSynced(const SyncReport& report, absl::Duration duration,
                absl::Time now);
  void OnError(const absl::Status& status, absl::Time now);
  void OnPolicyProblems(const ObjectKey& policy,
                        const std::vector<std::string>& problems);

 private:
  void Error(const std::string& text, absl::Time now);

  LogSinks sinks_;
  ErrorLimiter limiter_{absl::Minutes(1)};
  ErrorLimiter notices_{absl::Hours(1)};
  bool ready_ = false;
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_SYNC_LOG_H_
