// Whether an enforcer does what it is there for.
#ifndef NETPOL_ENFORCER_HEALTH_H_
#define NETPOL_ENFORCER_HEALTH_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "netpol/enforcer/enforcer_state.h"

namespace netpol {

// How long things may take before they count as trouble.
struct HealthLimits {
  // From an event to the kernel.
  absl::Duration pending = absl::Seconds(30);
  // Until all kinds are listed and the node is there, from the start.
  absl::Duration waiting = absl::Minutes(1);
  // Without an API server that answers, once it did.
  absl::Duration source = absl::Seconds(60);
  // Without a turn of the enforcer's own threads.
  absl::Duration beat = absl::Seconds(60);
};

struct HealthVerdict {
  // Its threads turn. If not, only a new start helps.
  bool alive = true;
  // What policies say is in the kernel, as far as is known: no change waits
  // too long, the last sync went well, the kernel has all that is needed, the
  // source is heard.
  bool healthy = true;
  // All kinds were listed, and everything is in the kernel once.
  bool ready = false;
  // Why not, a sentence each, with since when and what to do.
  std::vector<std::string> reasons;

  friend bool operator==(const HealthVerdict& a, const HealthVerdict& b) {
    return a.alive == b.alive && a.healthy == b.healthy && a.ready == b.ready &&
           a.reasons == b.reasons;
  }
};

// Pure: the caller says what time it is.
HealthVerdict JudgeHealth(const EnforcerState& state, absl::Time now,
                          const HealthLimits& limits = {});

}  // namespace netpol

#endif  // NETPOL_ENFORCER_HEALTH_H_
