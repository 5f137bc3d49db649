#include "bench/data_path/crowded_node.h"

#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

bool Allows(const CrowdedNode& node) {
  Packet packet;
  packet.source = node.flow.client;
  packet.destination = node.flow.pod;
  packet.protocol = IPPROTO_UDP;
  packet.destination_port = node.flow.port;
  return Evaluate(node.cluster, NodeView{std::string(kCrowdedNode)}, packet)
      .allowed;
}

std::vector<k8s::Pod> LocalPods(const Cluster& cluster) {
  std::vector<k8s::Pod> local;
  for (const k8s::Pod& pod : cluster.pods) {
    if (pod.spec().node_name() == kCrowdedNode) local.push_back(pod);
  }
  return local;
}

IpAddress AddressOf(const k8s::Pod& pod) {
  return *IpAddress::Parse(pod.status().pod_ips(0).ip());
}

TEST(CrowdedNodeTest, MeasuredPodIsTheLastLocalOneInEveryOrder) {
  const CrowdedNode node = MakeCrowdedNode(110, 5);
  const std::vector<k8s::Pod> local = LocalPods(node.cluster);
  ASSERT_EQ(local.size(), 110u);
  EXPECT_EQ(AddressOf(local.back()), node.flow.pod);
  for (size_t i = 0; i + 1 < local.size(); ++i) {
    EXPECT_LT(AddressOf(local[i]), node.flow.pod);
    EXPECT_LT(local[i].metadata().namespace_(),
              local.back().metadata().namespace_());
  }
}

TEST(CrowdedNodeTest, EveryLocalPodHasAsManyPoliciesAsAskedFor) {
  const CrowdedNode node = MakeCrowdedNode(25, 7);
  for (const k8s::Pod& pod : LocalPods(node.cluster)) {
    EXPECT_EQ(std::count_if(node.cluster.policies.begin(),
                            node.cluster.policies.end(),
                            [&](const k8s::NetworkPolicy& policy) {
                              return policy.metadata().namespace_() ==
                                     pod.metadata().namespace_();
                            }),
              7)
        << pod.metadata().name();
  }
}

TEST(CrowdedNodeTest, LastPolicyOfTheMeasuredPodAloneAllowsTheClient) {
  CrowdedNode node = MakeCrowdedNode(10, 50);
  EXPECT_TRUE(Allows(node));
  const k8s::ObjectMeta last = node.cluster.policies.back().metadata();
  EXPECT_EQ(last.namespace_(), "measured");
  EXPECT_EQ(last.name(), "policy-049");
  node.cluster.policies.pop_back();
  EXPECT_FALSE(Allows(node));
}

TEST(CrowdedNodeTest, WithoutPoliciesEverybodyIsAllowed) {
  const CrowdedNode node = MakeCrowdedNode(10, 0);
  EXPECT_TRUE(node.cluster.policies.empty());
  EXPECT_TRUE(Allows(node));
}

}  // namespace
}  // namespace netpol
