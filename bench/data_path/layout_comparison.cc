#include "bench/data_path/layout_comparison.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bench/data_path/pinned_thread.h"
#include "bench/data_path/rule_layouts.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// Short, so that most bursts are of nothing but packets, however dear these
// are.
constexpr int kBurstPackets = PacketPath::kBatch;
constexpr int kBursts = 16;
constexpr int kTries = 16 * kBursts;
constexpr int kPacketsOfRound = (kTries + 1) * kBurstPackets;
static_assert(kPacketsOfRound <= PacketPath::kFirstPackets);

double MedianOf(std::vector<double> values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// How often another thread took this one's place.
absl::StatusOr<int64_t> TimesDisplaced() {
  rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0)
    return absl::ErrnoToStatus(errno, "asking for this thread's switches");
  return int64_t{usage.ru_nivcsw} + usage.ru_nvcsw;
}

// Microseconds per packet, from bursts that nobody broke into.
absl::StatusOr<double> MeasureBursts(PacketPath& path, PacketKind kind) {
  // Fills the caches with this node's rules.
  RETURN_IF_ERROR(path.SendBurst(kind, kBurstPackets).status());
  std::vector<double> bursts;
  for (int i = 0; i < kTries && bursts.size() < kBursts; ++i) {
    ASSIGN_OR_RETURN(const int64_t before, TimesDisplaced());
    ASSIGN_OR_RETURN(const absl::Duration time,
                     path.SendBurst(kind, kBurstPackets));
    ASSIGN_OR_RETURN(const int64_t after, TimesDisplaced());
    if (after == before) bursts.push_back(absl::ToDoubleMicroseconds(time));
  }
  if (bursts.empty())
    return absl::UnavailableError(
        absl::StrCat("measuring packets: other threads broke into each of ",
                     kTries, " bursts; measure when the machine is less busy"));
  return MedianOf(std::move(bursts));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LayoutComparison>> LayoutComparison::Create(
    const CrowdedNode& node) {
  std::unique_ptr<LayoutComparison> comparison(new LayoutComparison());
  for (std::unique_ptr<PacketPath>& path : comparison->paths_) {
    ASSIGN_OR_RETURN(path, PacketPath::Create(node.flow.client, node.flow.pod,
                                              node.flow.port));
  }
  const auto& paths = comparison->paths_;
  RETURN_IF_ERROR(InstallTrackingOnly(paths[kBare]->node()));
  RETURN_IF_ERROR(InstallOurs(node.cluster, paths[kOurs]->node()));
  RETURN_IF_ERROR(InstallYardstick(node.cluster, paths[kYardstick]->node()));
  return comparison;
}

absl::StatusOr<PacketCost> LayoutComparison::MeasureRound(PacketKind kind) {
  RETURN_IF_ERROR(MakeReady(kind));
  const PinnedThread here;
  double cost[kLayouts];
  for (int layout = 0; layout < kLayouts; ++layout) {
    ASSIGN_OR_RETURN(cost[layout], MeasureBursts(*paths_[layout], kind));
  }
  return PacketCost{cost[kBare], cost[kOurs] - cost[kBare],
                    cost[kYardstick] - cost[kBare]};
}

absl::Status LayoutComparison::MakeReady(PacketKind kind) {
  bool ready = last_kind_ == kind;
  for (const std::unique_ptr<PacketPath>& path : paths_)
    ready = ready && path->first_packets_left() >= kPacketsOfRound;
  if (ready) return absl::OkStatus();
  // All of them, so that their tables of connections are equally full.
  for (const std::unique_ptr<PacketPath>& path : paths_)
    RETURN_IF_ERROR(path->Forget());
  last_kind_ = kind;
  return absl::OkStatus();
}

PacketCost MedianOf(const std::vector<PacketCost>& rounds) {
  PacketCost median;
  for (double PacketCost::*figure :
       {&PacketCost::bare, &PacketCost::ours, &PacketCost::yardstick}) {
    std::vector<double> values;
    for (const PacketCost& round : rounds) values.push_back(round.*figure);
    median.*figure = MedianOf(std::move(values));
  }
  return median;
}

}  // namespace netpol
