// What stands behind a netpol_handle.
#ifndef NETPOL_CAPI_EMBEDDED_CONTROLLER_H_
#define NETPOL_CAPI_EMBEDDED_CONTROLLER_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/capi/embedded_options.h"
#include "netpol/capi/home_namespace.h"
#include "netpol/enforcer/enforcer.h"
#include "proto/netpol/status.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The functions of netpol.h that take a handle, as its comments say. Not for
// callbacks of the host, but Status() and RequestSync(). Thread-safe.
class EmbeddedController {
 public:
  explicit EmbeddedController(EmbeddedOptions options);
  ~EmbeddedController();  // As Stop(false).
  EmbeddedController(const EmbeddedController&) = delete;
  EmbeddedController& operator=(const EmbeddedController&) = delete;

  absl::Status Start();
  absl::Status Post(v1::WatchEvent event);
  absl::Status RequestSync();
  absl::StatusOr<Plan> Preview();
  v1::DaemonStatus Status() const;
  absl::Status Stop(bool with_cleanup);

 private:
  enum class Phase : uint8_t { kCreated, kStarting, kRunning, kStopped };

  absl::StatusOr<std::unique_ptr<Enforcer>> StartEnforcer() const;
  // FailedPrecondition unless it runs.
  absl::StatusOr<Enforcer*> Running() const;

  const EmbeddedOptions options_;
  // Guards what follows. Not held while the enforcer is called, since its
  // threads call back.
  mutable std::mutex mutex_;
  Phase phase_ = Phase::kCreated;
  std::unique_ptr<HomeNamespace> home_;
  // Set once, and stays until the end.
  std::unique_ptr<Enforcer> enforcer_;
};

// Removes what is ours from the network namespace of the calling thread.
// FailedPrecondition if somebody enforces there, or if something could not be
// removed.
absl::Status CleanUpHere(absl::Duration lock_timeout);

}  // namespace netpol

#endif  // NETPOL_CAPI_EMBEDDED_CONTROLLER_H_
