// Keeps the credentials of an exec plugin fresh.
#ifndef NETPOL_WATCH_KUBE_EXEC_SESSION_H_
#define NETPOL_WATCH_KUBE_EXEC_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/exec_credential.h"
#include "netpol/watch/kube/exec_plugin.h"

namespace netpol {

// Runs the plugin at first, somewhat before its credentials expire and when the
// server has refused them; not more often than every 10 seconds but for the
// first refusal. Thread-compatible.
class ExecSession {
 public:
  explicit ExecSession(const ExecPluginConfig& config);

  // Credentials that have not expired as of `now`. Unavailable while the plugin
  // runs and there are none, or only refused ones: ask again once fd() is
  // readable. Other errors name the plugin and why it gave nothing.
  absl::StatusOr<ExecCredential> Get(absl::Time now);

  // The server did not take what Get() gave last.
  void OnRefused() { refused_ = current_.has_value(); }

  // Readable when Get() has work to do; -1 if there were no descriptors left.
  int fd() const { return plugin_.ok() ? (*plugin_)->fd() : -1; }

 private:
  void Collect(absl::Time now);
  void RunIfNeeded(absl::Time now);
  void Fail(const absl::Status& status, absl::Time now);

  const std::string command_;
  const absl::StatusOr<std::unique_ptr<ExecPlugin>> plugin_;
  absl::optional<ExecCredential> current_;
  absl::Time refresh_ = absl::InfiniteFuture();  // When current_ grows old.
  bool refused_ = false;
  absl::Status error_;  // Of the last run; OK if it was well.
  absl::Time last_run_ = absl::InfinitePast();
  absl::Time earliest_run_ = absl::InfinitePast();
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_EXEC_SESSION_H_
