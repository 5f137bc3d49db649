#include "bench/yardstick/yardstick_names.h"

#include "gtest/gtest.h"

namespace netpol {
namespace {

TEST(YardstickNamesTest, PolicyChainsDependOnTheVersionAndTheFamily) {
  EXPECT_EQ(YardstickPolicyChain("nsA", "simple-egress", "1", Family::kIPv4),
            "KUBE-NWPLCY-C23KD7UE4TAT3Y5M");
  EXPECT_EQ(
      YardstickPolicyChain("nsA", "simple-ingress-egress", "1", Family::kIPv4),
      "KUBE-NWPLCY-IDIX352DRLNY3D23");
  EXPECT_NE(YardstickPolicyChain("nsA", "simple-egress", "2", Family::kIPv4),
            "KUBE-NWPLCY-C23KD7UE4TAT3Y5M");
  EXPECT_NE(YardstickPolicyChain("nsA", "simple-egress", "1", Family::kIPv6),
            "KUBE-NWPLCY-C23KD7UE4TAT3Y5M");
}

TEST(YardstickNamesTest, PodChainsDependOnTheVersion) {
  EXPECT_EQ(YardstickPodChain("shop", "web-0", "1700000000000000000"),
            "KUBE-POD-FW-73TH3XCTPN7ZVLZ2");
  EXPECT_NE(YardstickPodChain("shop", "web-0", "1700000000000000001"),
            "KUBE-POD-FW-73TH3XCTPN7ZVLZ2");
}

TEST(YardstickNamesTest, SetsAreNamedAfterTheSideThatTheyMatch) {
  const YardstickSetNames whoami("default", "whoami", Family::kIPv4);
  EXPECT_EQ(whoami.Targets(RuleKind::kIngress), "KUBE-DST-IZ5JGF4W6BKI7CEV");
  EXPECT_EQ(whoami.Blocks(RuleKind::kIngress, 0), "KUBE-SRC-KLLOHJLFVAV654Z2");
  const YardstickSetNames debug("default", "debug", Family::kIPv4);
  EXPECT_EQ(debug.Targets(RuleKind::kEgress), "KUBE-SRC-C2EUPKL23CCP4COF");
  EXPECT_EQ(debug.Peers(RuleKind::kEgress, 0), "KUBE-DST-P226T6HGLTLDGDLC");
  const YardstickSetNames web("shop", "web-in", Family::kIPv4);
  EXPECT_EQ(web.Peers(RuleKind::kIngress, 0), "KUBE-SRC-OCLNJZ3YTXPYP73J");
  EXPECT_EQ(web.NamedPort(RuleKind::kIngress, 0, 0),
            "KUBE-DST-MIVLM5EFSHQGTIOW");
}

TEST(YardstickNamesTest, SetsOfIPv6HaveANameOfTheirOwn) {
  const YardstickSetNames debug("default", "debug", Family::kIPv6);
  EXPECT_EQ(debug.Targets(RuleKind::kEgress),
            "inet6:KUBE-SRC-VY6KNKQ4BF6Y4J2K");
  EXPECT_EQ(debug.Peers(RuleKind::kEgress, 0),
            "inet6:KUBE-DST-KSECZGZUJPU4SKA3");
}

TEST(YardstickNamesTest, TemporarySetsDependOnTheOptions) {
  EXPECT_EQ(TemporarySet("hash:ip timeout 0"), "TMP-PRBJ7ASFQM5DJR3Q");
  EXPECT_EQ(TemporarySet("hash:ip lol"), "TMP-XD7BSSQZELS7TP35");
}

}  // namespace
}  // namespace netpol
