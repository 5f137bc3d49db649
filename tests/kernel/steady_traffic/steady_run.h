// Law 6 under load: thousands of commits while packets flow.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_RUN_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "tests/kernel/steady_traffic/steady_node.h"

namespace netpol {

struct SteadyOptions {
  uint64_t seed = 1;
  // The run ends after so many table commits of either family.
  int64_t commits = 10000;
  // New packets are sent of so many allowed flows of each family and of as many
  // denied ones, all at once and again and again.
  int flows = 12;
  // And so many connections are kept open.
  int conversations = 8;
  // After so many batches others are watched.
  int batches_per_watch = 60;
  // After so many of these another cluster takes the place of the first.
  int watches_per_cluster = 5;
  // Now and then so many pods elsewhere come at once, and leave again: sets
  // hold 65,536 members before they are replaced by larger ones. 0 for never.
  int crowd = 0;
  int watches_per_crowd = 40;
  KernelOpener open_kernel;
};

// The LinuxDataplane.
absl::StatusOr<std::unique_ptr<Dataplane>> OpenLinuxKernel();

struct FamilyTraffic {
  int64_t allowed_sent = 0;  // first packets of connections
  int64_t lost = 0;          // of these
  int64_t denied_sent = 0;
  int64_t passed = 0;      // of these
  int64_t unanswered = 0;  // of these; refused without a word
  int64_t established_sent = 0;
  int64_t established_lost = 0;
};

struct SteadyResult {
  SteadyWork work;
  FamilyTraffic traffic[2];  // by Family
  int64_t retransmissions = 0;
  int64_t watches = 0;
  double seconds = 0;
  // The first few packets that met the wrong verdict, and what happened then.
  std::vector<std::string> wrong;

  int64_t packets() const;
};

// Brings a node in a lab of its own through random changes, and restarts, and
// watches packets whose verdict none of them may turn. Errors are about the
// lab, or a sync that failed; packets that met the wrong verdict are in the
// result. Needs root. The same options make the same changes; what the packets
// meet depends on the moment.
absl::StatusOr<SteadyResult> RunSteadyTraffic(const SteadyOptions& options);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_RUN_H_
