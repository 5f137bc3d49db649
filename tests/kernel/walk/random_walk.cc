#include "tests/kernel/walk/random_walk.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "netpol/base/status_macros.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "tests/kernel/walk/walk_run.h"

namespace netpol {
namespace {

// The kernel's tools are started once in so many steps.
constexpr int kStepsPerSaveText = 100;
// And every two addresses tried in both directions.
constexpr int kStepsPerMatrix = 200;
// A step of so many out of a hundred comes after somebody else was there, and a
// table is saved before so many.
constexpr int kTampered = 4;
constexpr int kSaved = 20;
// More than that says nothing new about one failure.
constexpr size_t kMaxProbes = 5;

v1::WalkStep StartOf(const Cluster& cluster) {
  v1::WalkStep step;
  for (v1::WatchEvent& event : ListingOf(cluster)) {
    if (event.type() == v1::WatchEvent::UPSERT) {
      *step.add_event() = std::move(event);
    }
  }
  return step;
}

void AddTampering(Random& random, v1::WalkTampering::Kind kind,
                  v1::WalkStep& step) {
  v1::WalkTampering* tampering = step.add_tampering();
  tampering->set_kind(kind);
  if (random.Chance(50)) tampering->set_ipv6(true);
  tampering->set_choice(static_cast<uint32_t>(random.Below(1000)));
}

void AddTamperings(Random& random, v1::WalkStep& step) {
  static const auto* const kKinds = new std::vector<v1::WalkTampering::Kind>{
      v1::WalkTampering::RULE_ABOVE,  v1::WalkTampering::FLUSH_FORWARD,
      v1::WalkTampering::DELETE_RULE, v1::WalkTampering::CLEAR,
      v1::WalkTampering::RESTORE,     v1::WalkTampering::FLUSH_SET};
  if (random.Chance(kTampered)) {
    AddTampering(random, random.Pick(*kKinds), step);
    // Now and then two at once.
    if (random.Chance(30)) AddTampering(random, random.Pick(*kKinds), step);
  }
  if (random.Chance(kSaved))
    AddTampering(random, v1::WalkTampering::SAVE, step);
}

v1::WalkStep NextStep(Random& random, const RandomClusterOptions& options,
                      Cluster& cluster) {
  v1::WalkStep step;
  AddTamperings(random, step);
  if (random.Chance(5)) step.set_forget_connections(true);
  if (random.Chance(2)) step.set_restart(true);
  if (random.Chance(3)) step.set_resync(true);
  for (v1::WatchEvent& event : MutateClusterAtOnce(random, options, cluster)) {
    *step.add_event() = std::move(event);
  }
  return step;
}

// From every local pod to every address and back, each by one of the packets of
// `examples`.
std::vector<Packet> Matrix(Random& random, const RandomClusterOptions& options,
                           const std::vector<Packet>& examples) {
  const std::vector<IpAddress> local = AddressesIn(options.local_pods);
  std::vector<IpAddress> others;
  for (const auto* pool : {&options.local_pods, &options.remote_pods,
                           &options.outside, &options.node_addresses}) {
    const std::vector<IpAddress> some = AddressesIn(*pool);
    others.insert(others.end(), some.begin(), some.end());
  }
  std::vector<Packet> packets;
  for (const IpAddress& near : local) {
    for (const IpAddress& far : others) {
      if (near.family != far.family) continue;
      for (const bool out : {true, false}) {
        Packet packet = random.Pick(examples);
        packet.source = out ? near : far;
        packet.destination = out ? far : near;
        packets.push_back(packet);
      }
    }
  }
  return packets;
}

// One walk under way.
class Walker {
 public:
  Walker(const WalkSetup& setup, WalkNode& node, uint64_t seed)
      : setup_(setup), node_(node), random_(seed) {}

  absl::Status Begin(int packets) {
    const Cluster cluster = RandomCluster(random_, setup_.options);
    return Take(StartOf(cluster), cluster, packets);
  }

  absl::Status Go(int packets) {
    Cluster after = node_.cluster();
    const v1::WalkStep step = NextStep(random_, setup_.options, after);
    return Take(step, after, packets);
  }

  RandomWalk& result() { return result_; }

 private:
  absl::Status Take(const v1::WalkStep& step, const Cluster& after,
                    int packets) {
    const Cluster before = node_.cluster();
    *result_.walk.add_step() = step;
    result_.events += step.event_size();
    ASSIGN_OR_RETURN(result_.failure, node_.Take(step));
    if (result_.failure) return absl::OkStatus();
    ASSIGN_OR_RETURN(result_.failure,
                     node_.CheckVerdicts(Choose(step, before, after, packets)));
    if (result_.failure) return absl::OkStatus();
    ASSIGN_OR_RETURN(result_.failure, node_.CheckRuleset());
    if (result_.failure || result_.walk.step_size() % kStepsPerSaveText != 1) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(result_.failure, node_.CheckSaveText());
    return absl::OkStatus();
  }

  // Twice as many are drawn as are sent.
  std::vector<Packet> Choose(const v1::WalkStep& step, const Cluster& before,
                             const Cluster& after, int count) {
    const std::vector<v1::WatchEvent> events(step.event().begin(),
                                             step.event().end());
    std::vector<Packet> packets =
        RandomPackets(random_, after, setup_.options, 2 * count,
                      FocusOn(events, before, after));
    const std::vector<Packet> examples = packets;
    KeepJudged(packets);
    const auto turned = std::stable_partition(
        packets.begin(), packets.end(), [&](const Packet& packet) {
          return setup_.judge(before, setup_.view, packet).allowed !=
                 setup_.judge(after, setup_.view, packet).allowed;
        });
    const size_t sent = std::min(packets.size(), static_cast<size_t>(count));
    result_.turned += static_cast<int>(
        std::min(sent, static_cast<size_t>(turned - packets.begin())));
    packets.resize(sent);
    if (result_.walk.step_size() % kStepsPerMatrix == 0) {
      std::vector<Packet> matrix = Matrix(random_, setup_.options, examples);
      KeepJudged(matrix);
      packets.insert(packets.end(), matrix.begin(), matrix.end());
    }
    return packets;
  }

  void KeepJudged(std::vector<Packet>& packets) const {
    packets.erase(
        std::remove_if(packets.begin(), packets.end(),
                       [this](const Packet& p) { return !node_.IsJudged(p); }),
        packets.end());
  }

  const WalkSetup& setup_;
  WalkNode& node_;
  Random random_;
  RandomWalk result_;
};

}  // namespace

absl::StatusOr<RandomWalk> WalkAtRandom(const WalkSetup& setup, uint64_t seed,
                                        int steps, int packets) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WalkNode> node,
                   WalkNode::Create(setup));
  Walker walker(setup, *node, seed);
  RETURN_IF_ERROR(walker.Begin(packets));
  for (int i = 0; i < steps && !walker.result().failure; ++i) {
    RETURN_IF_ERROR(walker.Go(packets));
  }
  RandomWalk& result = walker.result();
  result.tally = node->tally();
  if (result.failure) {
    std::vector<Packet>& wrong = result.failure->packets;
    wrong.resize(std::min(wrong.size(), kMaxProbes));
    for (const Packet& packet : wrong) {
      *result.walk.add_probe() = ProbeOf(packet);
    }
  }
  return std::move(result);
}

}  // namespace netpol
