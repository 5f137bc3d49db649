#include "bench/yardstick/set_restore.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

CachedPod PodWith(const std::vector<std::string>& ips) {
  CachedPod pod;
  pod.ip = ips.front();
  pod.ips = ips;
  return pod;
}

TEST(SetRestoreTest, FillsEachSetByWayOfATemporaryOne) {
  const CachedPod one = PodWith({"10.0.0.1"});
  const CachedPod two = PodWith({"10.0.0.2"});
  SetRestore sets(Family::kIPv4);
  sets.AddPeers("KUBE-SRC-B", {&two});
  sets.AddPeers("KUBE-SRC-A", {&one, &two});
  EXPECT_EQ(sets.Text(""),
            "create TMP-PRBJ7ASFQM5DJR3Q hash:ip timeout 0\n"
            "flush TMP-PRBJ7ASFQM5DJR3Q\n"
            "add TMP-PRBJ7ASFQM5DJR3Q 10.0.0.1 timeout 0\n"
            "add TMP-PRBJ7ASFQM5DJR3Q 10.0.0.2 timeout 0\n"
            "create KUBE-SRC-A hash:ip timeout 0\n"
            "swap TMP-PRBJ7ASFQM5DJR3Q KUBE-SRC-A\n"
            "flush TMP-PRBJ7ASFQM5DJR3Q\n"
            "add TMP-PRBJ7ASFQM5DJR3Q 10.0.0.2 timeout 0\n"
            "create KUBE-SRC-B hash:ip timeout 0\n"
            "swap TMP-PRBJ7ASFQM5DJR3Q KUBE-SRC-B\n"
            "flush TMP-PRBJ7ASFQM5DJR3Q\n"
            "destroy TMP-PRBJ7ASFQM5DJR3Q\n");
  EXPECT_EQ(sets.set_count(), 2);
  EXPECT_EQ(sets.entry_count(), 3);
}

TEST(SetRestoreTest, ASetThatIsThereKeepsItsOptions) {
  SetRestore sets(Family::kIPv4);
  sets.AddPeers("KUBE-SRC-A", {});
  const std::string text = sets.Text(
      "create OTHER hash:net family inet\n"
      "create KUBE-SRC-A hash:ip family inet initval 0x5 maxelem 9 timeout 0\n"
      "add KUBE-SRC-A 10.0.0.1 timeout 0\n");
  EXPECT_THAT(text, testing::HasSubstr("create KUBE-SRC-A hash:ip family inet "
                                       "maxelem 9 timeout 0\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("add ")));
}

TEST(SetRestoreTest, PeersHaveOneAddressAndNamedPortsEveryOne) {
  const CachedPod pod = PodWith({"fd00::1", "10.0.0.1", "10.0.0.2"});
  SetRestore ipv4(Family::kIPv4);
  ipv4.AddPeers("KUBE-SRC-A", {&pod});
  EXPECT_EQ(ipv4.entry_count(), 1);
  ipv4.AddNamedPort("KUBE-DST-A", {&pod});
  EXPECT_EQ(ipv4.entry_count(), 3);
  SetRestore ipv6(Family::kIPv6);
  ipv6.AddNamedPort("inet6:KUBE-DST-A", {&pod});
  EXPECT_THAT(ipv6.Text(""), testing::HasSubstr(" fd00::1 timeout 0\n"));
}

TEST(SetRestoreTest, BlocksOfEverythingAreTwoHalves) {
  const k8s::NetworkPolicyPeer peer = BlockPeer("0.0.0.0/0", {"10.9.0.0/16"});
  SetRestore sets(Family::kIPv4);
  EXPECT_TRUE(sets.AddBlocks("KUBE-SRC-A", {&peer.ip_block()}));
  const std::string text = sets.Text("");
  EXPECT_THAT(text, testing::HasSubstr(" 0.0.0.0/1 timeout 0\n"));
  EXPECT_THAT(text, testing::HasSubstr(" 128.0.0.0/1 timeout 0\n"));
  EXPECT_THAT(text, testing::HasSubstr(" 10.9.0.0/16 timeout 0 nomatch\n"));
  EXPECT_FALSE(SetRestore(Family::kIPv6)
                   .AddBlocks("inet6:KUBE-SRC-A", {&peer.ip_block()}));
}

TEST(PolicySetsInTest, TakesTheSetsOfPoliciesOfTheFamily) {
  const std::string saved =
      "create KUBE-SRC-A hash:ip family inet\n"
      "add KUBE-SRC-A 10.0.0.1\n"
      "create inet6:KUBE-DST-B hash:ip family inet6\n"
      "create kube-router-local-pods hash:ip family inet\n"
      "create OTHER hash:ip family inet\n";
  EXPECT_THAT(PolicySetsIn(saved, Family::kIPv4),
              testing::ElementsAre("KUBE-SRC-A"));
  EXPECT_THAT(PolicySetsIn(saved, Family::kIPv6),
              testing::ElementsAre("inet6:KUBE-DST-B"));
}

}  // namespace
}  // namespace netpol
