// Workloads are what their shapes say, the same everywhere, and have in them
// what real clusters have.
#include "netpol/testing/workload.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/workload_plan.h"
#include "netpol/testing/workload_policy.h"
#include "tests/testing/cluster_bytes.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeed = 1;

uint64_t Fnv1a(const std::string& bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::unique_ptr<Controller> NewController(
    std::unique_ptr<FakeDataplane> kernel) {
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  return *Controller::Create(std::move(options), std::move(kernel));
}

class NamedWorkloadTest : public testing::TestWithParam<std::string> {};

std::string NameOf(const k8s::ObjectMeta& metadata) {
  return absl::StrCat(metadata.namespace_(), "/", metadata.name());
}

TEST_P(NamedWorkloadTest, HasAsManyObjectsAsItsShapeSaysAndNoneTwice) {
  const WorkloadShape shape = NamedWorkload(GetParam());
  EXPECT_EQ(shape.name, GetParam());
  std::set<std::string> namespaces, nodes, pods, policies;
  std::set<IpAddress> addresses;
  int local = 0, listed = 0;
  VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
    local += event.pod().spec().node_name() == kWorkloadNode;
    listed += event.type() == v1::WatchEvent::LISTED;
    if (event.has_namespace_())
      namespaces.insert(NameOf(event.namespace_().metadata()));
    if (event.has_node()) nodes.insert(NameOf(event.node().metadata()));
    if (event.has_network_policy())
      policies.insert(NameOf(event.network_policy().metadata()));
    if (!event.has_pod()) return;
    pods.insert(NameOf(event.pod().metadata()));
    addresses.insert(*IpAddress::Parse(event.pod().status().pod_ip()));
  });
  EXPECT_EQ(namespaces.size(), static_cast<size_t>(shape.namespaces));
  EXPECT_EQ(nodes.size(), static_cast<size_t>(shape.nodes));
  EXPECT_EQ(pods.size(), static_cast<size_t>(shape.pods));
  EXPECT_EQ(addresses.size(), static_cast<size_t>(shape.pods));
  EXPECT_EQ(policies.size(), static_cast<size_t>(shape.policies));
  EXPECT_EQ(local, shape.local_pods);
  EXPECT_EQ(listed, 4);
}

INSTANTIATE_TEST_SUITE_P(Workloads, NamedWorkloadTest,
                         testing::Values("S", "S_all_local", "M", "X", "L/8",
                                         "L"),
                         [](const auto& info) {
                           return info.param == "L/8" ? "L_8" : info.param;
                         });

TEST(FindWorkloadTest, UnknownNameIsAnErrorThatListsTheNames) {
  const absl::Status status = FindWorkload("XL").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  for (const std::string& name : WorkloadNames())
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
}

TEST(MakeWorkloadTest, SameSeedGivesSameBytesOnEveryMachine) {
  const WorkloadShape shape = NamedWorkload("S");
  EXPECT_EQ(Fnv1a(Bytes(MakeWorkload(shape, 1))), 6010125175758629780u);
  EXPECT_NE(Bytes(MakeWorkload(shape, 1)), Bytes(MakeWorkload(shape, 2)));
}

TEST(VisitWorkloadTest, TellsWhatTheListingOfTheClusterTells) {
  for (const char* name : {"S", "S_all_local", "M"}) {
    const WorkloadShape shape = NamedWorkload(name);
    std::vector<std::string> visited;
    VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
      visited.push_back(Bytes(event));
    });
    std::vector<std::string> listed;
    for (const auto& event : ListingOf(MakeWorkload(shape, kSeed)))
      listed.push_back(Bytes(event));
    EXPECT_TRUE(visited == listed) << name;
  }
}

// Where a pod runs follows from how many nodes there are.
std::string PlacelessBytes(k8s::Pod pod) {
  pod.mutable_spec()->clear_node_name();
  pod.clear_status();
  return Bytes(pod);
}

TEST(WorkloadPlanTest, NearPartIsTheSameInEveryPartOfL) {
  const WorkloadPlan eighth(NamedWorkload("L/8"), kSeed);
  const WorkloadPlan whole(NamedWorkload("L/1"), kSeed);
  EXPECT_EQ(eighth.local_pods(), whole.local_pods());
  for (int i = 0; i < whole.shape().near_namespaces; ++i)
    ASSERT_EQ(Bytes(eighth.MakeNamespaceOf(i)),
              Bytes(whole.MakeNamespaceOf(i)));
  for (int i = 0; i < whole.shape().near_pods; ++i)
    ASSERT_EQ(PlacelessBytes(eighth.MakePod(i)),
              PlacelessBytes(whole.MakePod(i)));
  for (int i = 0; i < whole.shape().near_policies; ++i)
    ASSERT_EQ(Bytes(MakeWorkloadPolicy(eighth, i)),
              Bytes(MakeWorkloadPolicy(whole, i)));
}

TEST(WorkloadPlanTest, FarPartIsNoWorkForTheNode) {
  WorkloadShape small = NamedWorkload("S");
  small.whole_cluster_peer = false;
  WorkloadShape large = small;
  large.nodes *= 8;
  large.pods *= 8;
  large.namespaces *= 8;
  large.policies *= 8;
  std::vector<std::vector<size_t>> counts;
  for (const WorkloadShape& shape : {small, large}) {
    auto kernel = std::make_unique<FakeDataplane>();
    const FakeDataplane& seen = *kernel;
    const std::unique_ptr<Controller> controller =
        NewController(std::move(kernel));
    VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
      ASSERT_TRUE(controller->OnEvent(event).ok());
    });
    ASSERT_TRUE(controller->Sync().ok());
    const ControllerCounts count = controller->counts();
    size_t members = 0;
    for (const auto& [name, set] : seen.sets().all())
      members += set.members.size();
    counts.push_back({count.sets, count.chains, count.rules, members});
    EXPECT_GT(members, 100u);
  }
  EXPECT_EQ(counts[0], counts[1]);
}

TEST(MakeWorkloadTest, AddressesAreWithinTheRangesOfTheirNodes) {
  WorkloadShape shape = NamedWorkload("S");
  shape.ipv6 = true;
  const Cluster cluster = MakeWorkload(shape, kSeed);
  std::map<std::string, std::vector<IpPrefix>> ranges;
  for (const k8s::Node& node : cluster.nodes) {
    for (const std::string& cidr : node.spec().pod_cidrs())
      ranges[node.metadata().name()].push_back(*IpPrefix::Parse(cidr));
  }
  for (const k8s::Pod& pod : cluster.pods) {
    const std::vector<IpPrefix>& its = ranges[pod.spec().node_name()];
    ASSERT_EQ(its.size(), 2u);
    ASSERT_EQ(pod.status().pod_ips_size(), 2);
    for (int i = 0; i < 2; ++i) {
      const IpAddress address = *IpAddress::Parse(pod.status().pod_ips(i).ip());
      EXPECT_TRUE(its[static_cast<size_t>(i)].Contains(address))
          << Describe({{}, {pod}, {}});
    }
  }
}

TEST(MakeWorkloadTest, IpV6AloneHasNoAddressOfTheOtherFamily) {
  WorkloadShape shape = NamedWorkload("M");
  shape.ipv4 = false;
  shape.ipv6 = true;
  const Cluster cluster = MakeWorkload(shape, kSeed);
  size_t blocks = 0;
  for (const k8s::Pod& pod : cluster.pods) {
    ASSERT_EQ(pod.status().pod_ips_size(), 1);
    ASSERT_THAT(pod.status().pod_ips(0).ip(), HasSubstr(":"));
    ASSERT_EQ(pod.status().pod_ip(), pod.status().pod_ips(0).ip());
  }
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    for (const auto& rule : policy.spec().egress()) {
      for (const auto& peer : rule.to()) {
        if (!peer.has_ip_block()) continue;
        ++blocks;
        EXPECT_THAT(peer.ip_block().cidr(), HasSubstr(":"));
      }
    }
  }
  EXPECT_GT(blocks, 100u);
}

TEST(MakeWorkloadTest, FewNamespacesAndApplicationsHoldMostPods) {
  const WorkloadPlan plan(NamedWorkload("L"), kSeed);
  std::vector<int> applications;
  for (const WorkloadApplication& application : plan.applications())
    applications.push_back(application.pods);
  std::sort(applications.rbegin(), applications.rend());
  EXPECT_GT(applications.size(), 4000u);
  int largest = 0;
  for (size_t i = 0; i < applications.size() / 10; ++i)
    largest += applications[i];
  EXPECT_GT(largest, plan.shape().pods / 2);
  EXPECT_LE(applications[applications.size() / 2], 10);
}

// What is asked of peers, ports and selectors, with how often it occurs.
class FeatureCount {
 public:
  explicit FeatureCount(const Cluster& cluster) {
    for (const k8s::NetworkPolicy& policy : cluster.policies) Count(policy);
  }
  int of(const std::string& feature) const {
    const auto it = features_.find(feature);
    return it == features_.end() ? 0 : it->second;
  }
  // How many policies have the most frequent peer, and how many peers there
  // are.
  int hottest() const {
    int most = 0;
    for (const auto& [peer, count] : peers_) most = std::max(most, count);
    return most;
  }
  size_t peers() const { return peers_.size(); }

 private:
  void Count(const k8s::NetworkPolicy& policy) {
    const k8s::NetworkPolicySpec& spec = policy.spec();
    Count("subject", spec.pod_selector());
    for (const std::string& type : spec.policy_types()) ++features_[type];
    if (spec.ingress_size() + spec.egress_size() == 0) ++features_["deny"];
    const std::string where = policy.metadata().namespace_();
    for (const auto& rule : spec.ingress())
      Count(where, rule.from(), rule.ports());
    for (const auto& rule : spec.egress())
      Count(where, rule.to(), rule.ports());
  }
  void Count(const std::string& part, const k8s::LabelSelector& selector) {
    if (selector.match_labels_size() == 0 &&
        selector.match_expressions_size() == 0)
      ++features_["all " + part];
    if (selector.match_labels_size() > 1) ++features_["labels of " + part];
    if (selector.match_labels_size() > 0 &&
        selector.match_expressions_size() > 0)
      ++features_["both kinds for " + part];
    for (const auto& expression : selector.match_expressions())
      ++features_[expression.operator_()];
  }
  template <typename Peers, typename Ports>
  void Count(const std::string& where, const Peers& peers, const Ports& ports) {
    if (peers.size() >= 40) ++features_["many blocks"];
    for (const k8s::NetworkPolicyPeer& peer : peers) {
      ++peers_[absl::StrCat(
          peer.has_namespace_selector() || peer.has_ip_block() ? "" : where,
          Bytes(peer))];
      if (peer.has_ip_block())
        ++features_[peer.ip_block().except_size() > 0 ? "except" : "block"];
      if (peer.has_namespace_selector() && peer.has_pod_selector())
        ++features_["pods in namespaces"];
      if (peer.has_namespace_selector())
        Count("namespaces", peer.namespace_selector());
      if (peer.has_pod_selector()) Count("peers", peer.pod_selector());
    }
    if (ports.empty()) ++features_["every port"];
    for (const k8s::NetworkPolicyPort& port : ports) {
      if (port.protocol() == "UDP") ++features_["UDP"];
      if (port.has_end_port()) ++features_["range"];
      ++features_[port.port().type() == 1 ? "named port" : "number"];
    }
  }

  std::map<std::string, int> features_;
  std::map<std::string, int> peers_;
};

TEST(MakeWorkloadTest, PoliciesHaveWhatPoliciesHave) {
  const FeatureCount m(MakeWorkload(NamedWorkload("M"), kSeed));
  for (const char* feature : {"Ingress",
                              "Egress",
                              "deny",
                              "all subject",
                              "all namespaces",
                              "all peers",
                              "both kinds for namespaces",
                              "labels of peers",
                              "In",
                              "NotIn",
                              "Exists",
                              "many blocks",
                              "block",
                              "except",
                              "pods in namespaces",
                              "every port",
                              "UDP",
                              "range",
                              "named port",
                              "number"})
    EXPECT_GT(m.of(feature), 0) << feature;
}

TEST(MakeWorkloadTest, FewPeersAreHotAndManyAreOfOneNamespace) {
  const Cluster cluster = MakeWorkload(NamedWorkload("M"), kSeed);
  const FeatureCount m(cluster);
  EXPECT_GT(m.hottest(), static_cast<int>(cluster.policies.size()) / 20);
  EXPECT_GT(m.peers(), cluster.policies.size() / 2);
}

TEST(MakeWorkloadTest, NothingInItIsWrong) {
  for (const char* name : {"S", "M"}) {
    WorkloadShape shape = NamedWorkload(name);
    shape.ipv6 = true;
    const std::unique_ptr<Controller> controller =
        NewController(std::make_unique<FakeDataplane>());
    for (const auto& event : ListingOf(MakeWorkload(shape, kSeed)))
      ASSERT_TRUE(controller->OnEvent(event).ok());
    const absl::StatusOr<SyncReport> report = controller->Sync();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_THAT(report->problems, testing::IsEmpty());
    for (const auto& [key, problems] : controller->problems()) {
      for (const std::string& problem : problems) {
        // The other family is off.
        EXPECT_THAT(problem, HasSubstr("IPv6")) << key.ToString();
      }
    }
  }
}

bool Matches(const k8s::LabelSelector& selector, const k8s::Pod& pod) {
  const auto& labels = pod.metadata().labels();
  for (const auto& [key, value] : selector.match_labels()) {
    const auto it = labels.find(key);
    if (it == labels.end() || it->second != value) return false;
  }
  // The subjects of X have no other operator.
  for (const auto& expression : selector.match_expressions()) {
    EXPECT_EQ(expression.operator_(), "Exists");
    if (labels.count(expression.key()) == 0) return false;
  }
  return true;
}

TEST(MakeWorkloadTest, EveryPolicyOfXSelectsALocalPod) {
  const WorkloadPlan plan(NamedWorkload("X"), kSeed);
  std::map<std::string, std::vector<k8s::Pod>> local;
  for (const int number : plan.local_pods()) {
    const k8s::Pod pod = plan.MakePod(number);
    local[pod.metadata().namespace_()].push_back(pod);
  }
  EXPECT_EQ(plan.shape().policies, 10000);
  for (int i = 0; i < plan.shape().policies; ++i) {
    const k8s::NetworkPolicy policy = MakeWorkloadPolicy(plan, i);
    const std::vector<k8s::Pod>& pods = local[policy.metadata().namespace_()];
    EXPECT_TRUE(std::any_of(pods.begin(), pods.end(), [&](const k8s::Pod& pod) {
      return Matches(policy.spec().pod_selector(), pod);
    })) << policy.metadata().name();
  }
}

}  // namespace
}  // namespace netpol
