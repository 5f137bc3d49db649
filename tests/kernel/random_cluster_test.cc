// Random clusters in the real kernel: every verdict by real packets, both
// families, equal to the API's. The kernel is brought from each cluster to the
// next.
#include "netpol/testing/random_cluster.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/random_rounds.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_cluster_options.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {
namespace {

class RandomClusterKernelTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    for (size_t i = 0; i < options_.local_pods.size(); ++i) {
      const absl::Status status = lab_->AddPod(
          absl::StrCat("pod-", i), AddressesIn({options_.local_pods[i]}));
      ASSERT_TRUE(status.ok()) << status;
    }
    for (const auto& pool : {options_.remote_pods, options_.outside}) {
      const absl::Status status = lab_->AddRemote(AddressesIn(pool));
      ASSERT_TRUE(status.ok()) << status;
    }
    view_ = ViewOf(options_);
  }

  // A new controller over the kernel as the last one left it.
  void Enforce(const Cluster& cluster) {
    const absl::Status ran = lab_->RunOnNode([&] {
      absl::StatusOr<std::unique_ptr<LinuxDataplane>> dataplane =
          OpenLabKernel();
      ASSERT_TRUE(dataplane.ok()) << dataplane.status();
      ControllerOptions options;
      options.node_name = options_.node;
      options.layout.families = {Family::kIPv4, Family::kIPv6};
      // Few pods here are selected by so many as would be joined else.
      options.layout.most_chains_in_a_row = 2;
      auto controller =
          Controller::Create(std::move(options), *std::move(dataplane));
      ASSERT_TRUE(controller.ok()) << controller.status();
      for (const v1::WatchEvent& event : ListingOf(cluster)) {
        ASSERT_TRUE((*controller)->OnEvent(event).ok());
      }
      const absl::StatusOr<SyncReport> report = (*controller)->Sync();
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_TRUE(report->problems.empty()) << report->problems.front();
      (*controller)->QueueResync();
      const absl::StatusOr<SyncReport> second = (*controller)->Sync();
      ASSERT_TRUE(second.ok()) << second.status();
      EXPECT_EQ(second->writes.total(), 0u)
          << "the kernel is not as it was asked to be";
      const absl::Status flushed = FlushConntrack();
      ASSERT_TRUE(flushed.ok()) << flushed;
    });
    ASSERT_TRUE(ran.ok()) << ran;
  }

  std::vector<Packet> JudgedPackets(Random& random, const Cluster& cluster,
                                    int count) const {
    std::vector<Packet> packets;
    for (const Packet& packet :
         RandomPackets(random, cluster, options_, count)) {
      // What stays within a pod, the node or the world meets no rule here.
      const bool travels =
          lab_->OwnerOf(packet.source) != lab_->OwnerOf(packet.destination);
      if (travels && !IsForNodePort(view_, packet)) {
        packets.push_back(packet);
      }
    }
    return packets;
  }

  void CheckVerdicts(const Cluster& cluster,
                     const std::vector<Packet>& packets) {
    std::vector<ProbeSpec> specs;
    for (const Packet& packet : packets) {
      specs.push_back({packet.source, packet.destination, packet.protocol,
                       packet.destination_port});
    }
    const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
        lab_->Probe(specs);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < packets.size(); ++i) {
      const Verdict verdict = Evaluate(cluster, view_, packets[i]);
      ++(verdict.allowed ? allowed_ : denied_);
      ASSERT_EQ((*outcomes)[i], verdict.allowed ? ProbeOutcome::kAllowed
                                                : ProbeOutcome::kRejected)
          << packets[i] << ": " << verdict.reason << "\n"
          << Describe(cluster);
    }
  }

  const RandomClusterOptions options_ = LabClusterOptions();
  NodeView view_;
  std::unique_ptr<PacketLab> lab_;
  int allowed_ = 0;
  int denied_ = 0;
};

// NETPOL_SEED=n NETPOL_ROUNDS=1 replays cluster n; more rounds look further:
// 280 packets each.
TEST_F(RandomClusterKernelTest, EveryPacketMeetsTheVerdictOfTheApi) {
  const int first = FirstSeed();
  const int rounds = Rounds(200);
  for (int seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE(
        absl::StrCat("replay with NETPOL_SEED=", seed, " NETPOL_ROUNDS=1"));
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options_);
    ASSERT_NO_FATAL_FAILURE(Enforce(cluster));
    ASSERT_NO_FATAL_FAILURE(
        CheckVerdicts(cluster, JudgedPackets(random, cluster, 300)));
  }
  std::cout << "seeds " << first << " to " << first + rounds - 1 << ": "
            << allowed_ + denied_ << " packets, " << allowed_ << " allowed and "
            << denied_ << " rejected, none wrongly\n";
  if (rounds >= 20) {
    EXPECT_GT(allowed_, denied_ / 20);
    EXPECT_GT(denied_, allowed_ / 20);
  }
}

}  // namespace
}  // namespace netpol
