// Everything that enforces on one node, in one object: a source of objects, the
// controller in its loop, the kernel and what it lacks, the node's addresses.
// What netpolctl's daemon and an embedding agent have in common.
#ifndef NETPOL_ENFORCER_ENFORCER_H_
#define NETPOL_ENFORCER_ENFORCER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/pacer.h"
#include "netpol/controller.h"
#include "netpol/controller_loop.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/enforcer/enforcer_state.h"
#include "netpol/enforcer/health.h"
#include "netpol/watch/watch_source.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

struct EnforcerOptions {
  ControllerOptions controller;
  PacerOptions pacing;
  // Where rules are written. Empty: the flavour that the other components of
  // this host use (DetectFlavour()), looked at once, when the kernel is opened.
  // What is ours in the other is removed once the first sync is done.
  absl::optional<Flavour> flavour;
  // How long a write of a legacy table waits for the xtables lock.
  absl::Duration lock_timeout = absl::Seconds(10);
  // For on_health.
  HealthLimits health;
};

// What to tell the host; any may be empty. Called on threads of the enforcer,
// several at once; not after Stop(). None may call Stop(), Preview() or
// Inspect().
struct EnforcerCallbacks {
  // One line for each thing that happened, repeated ones held back.
  std::function<void(LogLevel, absl::string_view)> log;
  // Everything that was listed is in the kernel; once.
  std::function<void()> on_first_sync;
  // The verdict or its reasons changed. Looked at every second.
  std::function<void(const HealthVerdict&)> on_health;
  std::function<void(const SyncReport&)> on_synced;
  std::function<void(absl::Duration delay, size_t events)> on_in_kernel;
};

// Nothing in the kernel is touched before all kinds are listed, and nothing is
// taken out of it at the end. A kernel that lacks something, a server that is
// away and an object that is broken are told (log, health) and tried again for
// ever. Thread-safe; several may live in one process, each in the network
// namespace of the thread that started it, whose signal mask its threads take
// over.
class Enforcer {
 public:
  // Without a source, the host tells every event itself, with Post(). An error
  // means that nothing runs: options that cannot work, no permission, or
  // somebody else who enforces in this network namespace (see NodeClaim; up to
  // Stop(), it is ours).
  static absl::StatusOr<std::unique_ptr<Enforcer>> Start(
      EnforcerOptions options, std::unique_ptr<WatchSource> source,
      EnforcerCallbacks callbacks);
  virtual ~Enforcer() = default;  // As Stop().

  // See ControllerLoop::Post(). Waits while far too many events are waiting.
  virtual void Post(std::vector<v1::WatchEvent> events) = 0;

  // Reads the kernel again and mends it, soon.
  virtual void RequestResync() = 0;

  // What the next sync would do. Unavailable while the kernel cannot be opened.
  virtual absl::StatusOr<Plan> Preview() = 0;

  // See ControllerLoop::Inspect(). Unavailable while the kernel cannot be
  // opened.
  virtual absl::Status Inspect(
      const std::function<void(const Controller&)>& look) = 0;

  // As of now.
  virtual EnforcerState state() const = 0;

  // Ends all threads after the batch that is in work. Enforcement stays in
  // place. May be called again.
  virtual void Stop() = 0;
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_ENFORCER_H_
