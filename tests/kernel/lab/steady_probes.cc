#include "tests/kernel/lab/steady_probes.h"

#include "netpol/base/status_macros.h"

namespace netpol {

absl::StatusOr<SteadyProbes> ProbeUntil(
    const std::function<bool()>& over, PacketLab& lab,
    const std::vector<ProbeSpec>& specs,
    const std::vector<ProbeOutcome>& right) {
  SteadyProbes probes;
  for (bool last = false; !last; ++probes.rounds) {
    last = over();
    ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                     lab.Probe(specs));
    probes.packets += static_cast<int>(outcomes.size());
    for (size_t i = 0; i < outcomes.size(); ++i)
      probes.wrong += outcomes[i] != right[i];
  }
  return probes;
}

}  // namespace netpol
