// What each packet pays for the rules: ours, and those of the yardstick, in
// microseconds on top of connection tracking alone. Needs root.
//
// DataPath/pods:P/policies:K/KIND, for P pods on the node, each isolated by K
// policies. KIND is "new" (each packet is NEW, of a flow nobody answers), "est"
// (of an established flow) or "conn" (each packet is the first of its
// connection). One iteration is one round over all three layouts.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/data_path/crowded_node.h"
#include "bench/data_path/layout_comparison.h"
#include "bench/data_path/packet_path.h"
#include "bench/engine/bench_network.h"
#include "benchmark/benchmark.h"

namespace netpol {
namespace {

constexpr int kRounds = 25;

// The nodes of one size, which are dear to make and serve all kinds of packets
// before the next size takes their place.
class CurrentNodes {
 public:
  absl::StatusOr<LayoutComparison*> Get(int pods, int policies) {
    const std::pair<int, int> size = {pods, policies};
    if (nodes_ == nullptr || size != size_) {
      nodes_.reset();
      absl::StatusOr<std::unique_ptr<LayoutComparison>> made =
          LayoutComparison::Create(MakeCrowdedNode(pods, policies));
      if (!made.ok()) return made.status();
      nodes_ = *std::move(made);
      size_ = size;
    }
    return nodes_.get();
  }

 private:
  std::pair<int, int> size_;
  std::unique_ptr<LayoutComparison> nodes_;
};

void Skip(const absl::Status& status, benchmark::State& state) {
  state.SkipWithError(status.ToString().c_str());
}

void DataPath(benchmark::State& state, CurrentNodes* nodes, int pods,
              int policies, PacketKind kind) {
  const absl::StatusOr<LayoutComparison*> comparison =
      nodes->Get(pods, policies);
  if (!comparison.ok()) return Skip(comparison.status(), state);
  std::vector<PacketCost> rounds;
  for (auto _ : state) {
    const absl::StatusOr<PacketCost> cost = (*comparison)->MeasureRound(kind);
    if (!cost.ok()) return Skip(cost.status(), state);
    rounds.push_back(*cost);
  }
  const PacketCost median = MedianOf(rounds);
  state.counters["bare_us"] = median.bare;
  state.counters["ours_us"] = median.ours;
  state.counters["yardstick_us"] = median.yardstick;
}

std::string NameOf(PacketKind kind) {
  switch (kind) {
    case PacketKind::kUnanswered:
      return "new";
    case PacketKind::kEstablished:
      return "est";
    case PacketKind::kFirst:
      return "conn";
  }
  return "";
}

void RegisterAll(CurrentNodes* nodes) {
  for (int pods : {10, 110, 250}) {
    for (int policies : {0, 5, 50}) {
      for (PacketKind kind : kPacketKinds) {
        benchmark::RegisterBenchmark(
            absl::StrCat("DataPath/pods:", pods, "/policies:", policies, "/",
                         NameOf(kind))
                .c_str(),
            [=](benchmark::State& state) {
              DataPath(state, nodes, pods, policies, kind);
            })
            ->Iterations(kRounds)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::CurrentNodes nodes;
  netpol::RegisterAll(&nodes);
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
