#include "tests/kernel/steady_traffic/change_source.h"

#include <algorithm>
#include <utility>

#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"

namespace netpol {
namespace {

// Candidates for each flow that is watched.
constexpr int kDrawsPerFlow = 10;
// For changes.
constexpr int kDraws = 200;

}  // namespace

ChangeSource::ChangeSource(const RandomClusterOptions& options, uint64_t seed)
    : options_(options), node_(ViewOf(options)), random_(seed) {
  StartAnew();
}

void ChangeSource::StartAnew() {
  flows_.clear();
  cluster_ = RandomCluster(random_, options_);
}

void ChangeSource::WatchSome(int count,
                             const std::function<bool(const Packet&)>& may) {
  flows_.clear();
  int wanted[2][2] = {{count, count}, {count, count}};
  for (const Packet& packet :
       RandomPackets(random_, cluster_, options_, 4 * kDrawsPerFlow * count)) {
    if (!may(packet)) continue;
    const bool known = std::any_of(
        flows_.begin(), flows_.end(),
        [&](const WatchedFlow& flow) { return flow.packet == packet; });
    if (known) continue;
    WatchedFlow flow = Watch(cluster_, node_, packet);
    int& left = wanted[static_cast<int>(packet.source.family)][flow.allowed];
    if (left == 0) continue;
    --left;
    flows_.push_back(std::move(flow));
  }
}

std::vector<v1::WatchEvent> ChangeSource::Next() {
  for (int draw = 0; draw < kDraws; ++draw) {
    const int dice = random_.Between(0, 9);
    const int size = dice < 7 ? 1 : dice < 9 ? 2 : 3;
    Cluster after = cluster_;
    std::vector<v1::WatchEvent> events;
    for (int i = 0; i < size; ++i)
      events.push_back(MutateCluster(random_, options_, after));
    if (!LeavesAlone(events, cluster_, node_, flows_)) continue;
    cluster_ = std::move(after);
    return events;
  }
  return {};
}

}  // namespace netpol
