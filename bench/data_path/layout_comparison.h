// Three nodes with the same pods and different rules, measured in turns.
#ifndef NETPOL_BENCH_DATA_PATH_LAYOUT_COMPARISON_H_
#define NETPOL_BENCH_DATA_PATH_LAYOUT_COMPARISON_H_

#include <array>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "bench/data_path/crowded_node.h"
#include "bench/data_path/packet_path.h"

namespace netpol {

// Microseconds per packet.
struct PacketCost {
  double bare = 0;       // with connection tracking alone
  double ours = 0;       // on top of that
  double yardstick = 0;  // on top of that
};

// What packets of `flow` cost with the rules for `cluster`. Thread-compatible;
// needs root.
class LayoutComparison {
 public:
  // Makes the three nodes and writes their rules.
  static absl::StatusOr<std::unique_ptr<LayoutComparison>> Create(
      const CrowdedNode& node);

  // Sends some bursts on each node, one after the other, from one processor.
  // What others do on this machine meanwhile stays out of it, mostly: each
  // figure is the median of short bursts.
  absl::StatusOr<PacketCost> MeasureRound(PacketKind kind);

 private:
  enum Layout { kBare, kOurs, kYardstick, kLayouts };

  // Forgetting walks the kernel's whole table of connections, so not for every
  // round.
  absl::Status MakeReady(PacketKind kind);

  std::array<std::unique_ptr<PacketPath>, kLayouts> paths_;
  absl::optional<PacketKind> last_kind_;
};

// Of each of the three by itself. `rounds` is not empty.
PacketCost MedianOf(const std::vector<PacketCost>& rounds);

}  // namespace netpol

#endif  // NETPOL_BENCH_DATA_PATH_LAYOUT_COMPARISON_H_
