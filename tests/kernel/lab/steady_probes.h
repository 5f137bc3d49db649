// Traffic that goes on while something else happens.
#ifndef NETPOL_TESTS_KERNEL_LAB_STEADY_PROBES_H_
#define NETPOL_TESTS_KERNEL_LAB_STEADY_PROBES_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/prober.h"

namespace netpol {

struct SteadyProbes {
  int rounds = 0;
  int packets = 0;
  int wrong = 0;  // packets that did not meet the outcome that is right
};

// Sends all of `specs` again and again, and compares what becomes of each with
// its place in `right`, which is as long. Every probe is a new flow, so that
// each one is judged. The last round begins after `over` says so: a flag that
// another thread sets. Errors are those of PacketLab::Probe().
absl::StatusOr<SteadyProbes> ProbeUntil(const std::function<bool()>& over,
                                        PacketLab& lab,
                                        const std::vector<ProbeSpec>& specs,
                                        const std::vector<ProbeOutcome>& right);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_STEADY_PROBES_H_
