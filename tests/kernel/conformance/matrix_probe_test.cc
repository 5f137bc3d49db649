#include "tests/kernel/conformance/matrix_probe.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "tests/kernel/conformance/matrix_cluster.h"

namespace netpol {
namespace {

Cluster PlacedCluster(Placement placement) {
  Cluster cluster = MatrixCluster();
  for (k8s::Pod& pod : cluster.pods) Place(placement, pod);
  return cluster;
}

int BetweenPods(const std::vector<MatrixEnd>& ends) {
  const std::vector<MatrixProbe> probes = ProbesBetween(ends);
  return static_cast<int>(std::count_if(
      probes.begin(), probes.end(), [&ends](const MatrixProbe& probe) {
        return ends[probe.from].is_pod && ends[probe.to].is_pod;
      }));
}

TEST(MatrixProbeTest, EveryPairPortProtocolAndFamilyIsProbed) {
  const auto ends = EndsOf(PlacedCluster(Placement::kOneNode));
  ASSERT_EQ(ends.size(), 11u);
  EXPECT_EQ(BetweenPods(ends), 9 * 8 * 2 * 3 * 2);
  // The node and outside exchange packets with all and with each other.
  EXPECT_EQ(ProbesBetween(ends).size(), 11u * 10 * 12);
}

TEST(MatrixProbeTest, WhatDoesNotCrossTheNodeIsNotProbed) {
  const auto ends = EndsOf(PlacedCluster(Placement::kTwoNodes));
  // Three pods are elsewhere, and so is the outside.
  EXPECT_EQ(BetweenPods(ends), (9 * 8 - 3 * 2) * 12);
  EXPECT_EQ(ProbesBetween(ends).size(), (11u * 10 - 4 * 3) * 12);
}

TEST(MatrixProbeTest, PodsWithoutNetworkOfTheirOwnAreNoEnds) {
  Cluster cluster = PlacedCluster(Placement::kOneNode);
  cluster.pods[0].mutable_status()->set_phase("Failed");
  cluster.pods[1].mutable_spec()->set_host_network(true);
  cluster.pods[2].mutable_status()->clear_pod_ips();
  const auto ends = EndsOf(cluster);
  ASSERT_EQ(ends.size(), 8u);
  EXPECT_EQ(ends[0].name, "y/a");
}

TEST(MatrixProbeTest, APodOfOneFamilyIsProbedInIt) {
  Cluster cluster = PlacedCluster(Placement::kOneNode);
  cluster.pods[0].mutable_status()->mutable_pod_ips()->RemoveLast();
  // 16 directed pairs with it lose one family of 6 packets.
  EXPECT_EQ(BetweenPods(EndsOf(cluster)), 864 - 16 * 6);
}

TEST(MatrixProbeTest, TrafficHasAName) {
  EXPECT_EQ(TrafficName({*IpAddress::Parse("fd00::1"),
                         *IpAddress::Parse("fd00::2"), IPPROTO_SCTP, 81}),
            "IPv6 SCTP 81");
}

}  // namespace
}  // namespace netpol
