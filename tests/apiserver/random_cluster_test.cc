// Random clusters written through a real server, changed there, and read back
// by the decoders: what comes back means what was written.
#include "netpol/testing/random_cluster.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/random_rounds.h"
#include "netpol/testing/reference_evaluator.h"
#include "netpol/watch/kube/list_decoder.h"
#include "tests/apiserver/api_connection.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"

namespace netpol {
namespace {

constexpr int kPackets = 2000;

// Of objects that a server takes, whose ages do not matter: it sets them.
RandomClusterOptions ServerClusterOptions() {
  RandomClusterOptions options;
  options.invalid_parts = false;
  options.shared_addresses = false;
  return options;
}

// A server has no pods and policies without their namespace; to a verdict one
// without labels is as good as none.
void AddMissingNamespaces(Cluster& cluster) {
  const auto add = [&](const std::string& name) {
    for (const k8s::Namespace& ns : cluster.namespaces)
      if (ns.metadata().name() == name) return;
    cluster.namespaces.push_back(MakeNamespace(name));
  };
  for (const k8s::Pod& pod : cluster.pods) add(pod.metadata().namespace_());
  for (const k8s::NetworkPolicy& policy : cluster.policies)
    add(policy.metadata().namespace_());
}

// A server lets finished pods go at once when they are told to end.
size_t Unfinished(const Cluster& cluster) {
  return static_cast<size_t>(std::count_if(
      cluster.pods.begin(), cluster.pods.end(), [](const k8s::Pod& pod) {
        const std::string& phase = pod.status().phase();
        return phase != "Succeeded" && phase != "Failed";
      }));
}

class RandomClusterServerTest : public testing::Test {
 protected:
  void SetUp() override {
    ControlPlaneOptions options;
    // Blocks with bits behind their length are refused by new servers, but kept
    // where an old one took them.
    options.server_flags = {"--feature-gates=StrictIPCIDRValidation=false"};
    auto started = ControlPlane::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    control_plane_ = *std::move(started);
    writer_ = std::make_unique<ApiWriter>(control_plane_->AdminAccess());
  }

  void List(const std::string& target, v1::WatchEvent::Kind kind,
            const std::string& accept, Cluster& cluster) {
    const auto answer =
        writer_->connection().Send({.target = target, .accept = accept});
    ASSERT_TRUE(answer.ok()) << answer.status();
    auto decoder = ListDecoder::Create(
        answer->content_type, kind,
        [&](const v1::WatchEvent& event) { ApplyEvent(event, cluster); },
        [](const absl::Status& bad) { ADD_FAILURE() << bad; });
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    const absl::Status read = (*decoder)->Append(answer->body);
    ASSERT_TRUE(read.ok()) << read;
    ASSERT_TRUE((*decoder)->Finish().ok());
  }

  Cluster ReadBack(const std::string& accept) {
    Cluster cluster;
    List("/api/v1/namespaces", v1::WatchEvent::NAMESPACE, accept, cluster);
    List("/api/v1/nodes", v1::WatchEvent::NODE, accept, cluster);
    List("/api/v1/pods", v1::WatchEvent::POD, accept, cluster);
    List("/apis/networking.k8s.io/v1/networkpolicies",
         v1::WatchEvent::NETWORK_POLICY, accept, cluster);
    return cluster;
  }

  // Whether what the server has means the same as `cluster`.
  void Check(Random& random, const Cluster& cluster) {
    const std::vector<Packet> packets =
        RandomPackets(random, cluster, options_, kPackets);
    const NodeView view = ViewOf(options_);
    for (const char* accept :
         {"application/vnd.kubernetes.protobuf", "application/json"}) {
      const Cluster read = ReadBack(accept);
      const std::string both =
          absl::StrCat("\nwritten:\n", Describe(cluster), "\nread as ", accept,
                       ":\n", Describe(read));
      ASSERT_EQ(Unfinished(read), Unfinished(cluster)) << both;
      ASSERT_EQ(read.policies.size(), cluster.policies.size()) << both;
      ASSERT_EQ(read.nodes.size(), cluster.nodes.size()) << both;
      for (const Packet& packet : packets) {
        const Verdict verdict = Evaluate(cluster, view, packet);
        ++(verdict.allowed ? allowed_ : denied_);
        ASSERT_EQ(Evaluate(read, view, packet).allowed, verdict.allowed)
            << packet << ": " << verdict.reason << both;
      }
    }
  }

  // One change that a server could see: no namespace goes from under its pods.
  void Change(Random& random, Cluster& cluster) {
    Cluster changed = cluster;
    const v1::WatchEvent event = MutateCluster(random, options_, changed);
    if (event.type() == v1::WatchEvent::DELETE && event.has_namespace_())
      return;
    const size_t known = changed.namespaces.size();
    AddMissingNamespaces(changed);
    for (size_t i = known; i < changed.namespaces.size(); ++i)
      Tell(Upsert(changed.namespaces[i]), changed);
    Tell(event, changed);
    cluster = std::move(changed);
  }

  // To the server and to `cluster`; what the server refuses is then in neither.
  void Tell(v1::WatchEvent event, Cluster& cluster) {
    absl::Status status = writer_->ApplyEvent(event);
    ++told_;
    if (absl::IsInvalidArgument(status)) {
      ++refused_;
      event.set_type(v1::WatchEvent::DELETE);
      status = writer_->ApplyEvent(event);
    }
    ASSERT_TRUE(status.ok()) << status << "\n" << event.DebugString();
    ApplyEvent(event, cluster);
  }

  void DeleteAll(const Cluster& cluster) {
    Cluster gone = cluster;
    for (const k8s::Namespace& ns : cluster.namespaces) Tell(Delete(ns), gone);
    for (const k8s::Node& node : cluster.nodes) Tell(Delete(node), gone);
  }

  const RandomClusterOptions options_ = ServerClusterOptions();
  std::unique_ptr<ControlPlane> control_plane_;
  std::unique_ptr<ApiWriter> writer_;
  int told_ = 0;
  int refused_ = 0;
  int allowed_ = 0;
  int denied_ = 0;
};

// NETPOL_SEED=n NETPOL_ROUNDS=1 replays cluster n.
TEST_F(RandomClusterServerTest, WhatIsReadBackMeansWhatWasWritten) {
  const int first = FirstSeed();
  const int rounds = Rounds(12);
  for (int seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE(
        absl::StrCat("replay with NETPOL_SEED=", seed, " NETPOL_ROUNDS=1"));
    Random random(seed);
    Cluster wanted = RandomCluster(random, options_);
    AddMissingNamespaces(wanted);
    Cluster cluster;
    for (const v1::WatchEvent& event : ListingOf(wanted))
      ASSERT_NO_FATAL_FAILURE(Tell(event, cluster));
    ASSERT_NO_FATAL_FAILURE(Check(random, cluster));
    for (int step = 0; step < Steps(20); ++step)
      ASSERT_NO_FATAL_FAILURE(Change(random, cluster));
    ASSERT_NO_FATAL_FAILURE(Check(random, cluster));
    ASSERT_NO_FATAL_FAILURE(DeleteAll(cluster));
  }
  std::cout << told_ << " objects told, " << refused_ << " refused; "
            << allowed_ << " packets allowed and " << denied_ << " rejected\n";
  EXPECT_GT(allowed_, 100);
  EXPECT_GT(denied_, 100);
  EXPECT_LT(refused_, told_ / 5) << "little is left of the clusters";
}

}  // namespace
}  // namespace netpol
