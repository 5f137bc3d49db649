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
  // From an event to the kernel. Also how late the periodic reading of the
  // kernel may be.
  absl::Duration pending = absl::Seconds(30);
  // Until all kinds are listed and the node is there, from the start.
  absl::Duration waiting = absl::Minutes(1);
  // Without an API server that answers, once it did; before, none is allowed.
  absl::Duration source = absl::Seconds(60);
  // Without a turn of the enforcer's own threads.
  absl::Duration beat = absl::Seconds(60);
};

// The three are for three askers: a kubelet's liveness probe, whoever raises
// alarms, a rollout that waits.
struct HealthVerdict {
  // Its threads turn. If not, only a new start helps.
  bool alive = true;
  // What policies say is in the kernel, as far as is known: no change waits
  // too long, the last sync went well, the kernel has all that is needed, the
  // source is heard. Never while not alive.
  bool healthy = true;
  // All kinds were listed, everything is in the kernel once, and the kernel is
  // open. Stays so whatever happens later: what was enforced is enforced.
  bool ready = false;
  // Why not, a sentence each, with since when and what to do. Those that begin
  // with "note: " make nobody unhealthy: what is not ready yet within its time,
  // an outage within its time, policies, objects and names that somebody should
  // look at.
  std::vector<std::string> reasons;
  // The same without what changes by itself (how long, how many): equal as long
  // as the trouble is the same.
  std::vector<std::string> causes;

  // Whether there is nothing new to tell.
  friend bool operator==(const HealthVerdict& a, const HealthVerdict& b) {
    return a.alive == b.alive && a.healthy == b.healthy && a.ready == b.ready &&
           a.causes == b.causes;
  }
};

// Pure: the caller says what time it is. Not healthy are: threads that hang; a
// kernel that is not open or lacks something; a last sync that failed; a change
// that waits too long once objects are known; objects or a node that are not
// known in time; a first sync that does not come; a kernel that was not read
// again in its period; a kind, or a source as a whole, that is not heard for
// too long, or never was. A broken policy costs itself, and not the health. One
// that is disabled is ready, and says so, when its clean-up is done.
HealthVerdict JudgeHealth(const EnforcerState& state, absl::Time now,
                          const HealthLimits& limits = {});

}  // namespace netpol

#endif  // NETPOL_ENFORCER_HEALTH_H_
