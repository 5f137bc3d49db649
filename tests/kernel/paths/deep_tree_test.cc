// The deepest way from a hook to a verdict that addresses can bring about: the
// kernel takes it (nf_tables nests chains 16 deep at most), and every packet
// finds its pod.
#include <netinet/in.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

class DeepTreeTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Remote(), Stranger()}).ok());
    // Each differs from all others in a bit of its own, so hardly any two part
    // on the same level.
    const IpPrefix block = *IpPrefix::Parse(
        family() == Family::kIPv4 ? "10.60.0.0/16" : "fd00:60::/64");
    const int bits = AddressBits(family()) - block.length;
    for (int bit = 0; bit < bits; ++bit) {
      const IpAddress address(family(),
                              block.address.bits() | (absl::uint128(1) << bit));
      addresses_.push_back(address);
      const std::string name = absl::StrCat("deep-", bit);
      ASSERT_TRUE(lab_->AddPod(name, {address}).ok());
      cluster_.pods.push_back(PodBuilder("shop", name)
                                  .On("node-a")
                                  .Ip(address.ToString())
                                  .Label("app", "deep")
                                  .Phase("Running")
                                  .Build());
    }
  }

  // Of several, in both directions; only the last allows anything.
  static std::vector<k8s::NetworkPolicy> Policies(int count) {
    std::vector<k8s::NetworkPolicy> policies;
    for (int i = 0; i < count; ++i) {
      PolicyBuilder policy("shop", absl::StrCat("deep-", i));
      policy.Selects(LabelList{{"app", "deep"}}).Types({"Ingress", "Egress"});
      if (i == count - 1) {
        policy.Ingress({App("remote")}, {NumberPort("TCP", 80)})
            .Egress({App("remote")}, {NumberPort("UDP", 53)});
      }
      policies.push_back(policy.Build());
    }
    return policies;
  }

  void ExpectOutcomes() {
    std::vector<ProbeSpec> specs;
    std::vector<ProbeOutcome> right;
    const auto add = [&](const ProbeSpec& spec, bool allowed) {
      specs.push_back(spec);
      right.push_back(allowed ? ProbeOutcome::kAllowed
                              : ProbeOutcome::kRejected);
    };
    for (const IpAddress& pod : addresses_) {
      add({Remote(), pod, IPPROTO_TCP, 80}, true);
      add({Remote(), pod, IPPROTO_TCP, 81}, false);
      add({Stranger(), pod, IPPROTO_TCP, 80}, false);
      add({Web(), pod, IPPROTO_TCP, 80}, false);
      add({Node(), pod, IPPROTO_TCP, 80}, true);
      add({pod, Remote(), IPPROTO_UDP, 53}, true);
      add({pod, Remote(), IPPROTO_UDP, 54}, false);
      add({pod, Node(), IPPROTO_UDP, 53}, false);
    }
    const auto outcomes = lab_->Probe(specs);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < specs.size(); ++i)
      EXPECT_EQ((*outcomes)[i], right[i])
          << specs[i].source << " to " << specs[i].destination << " port "
          << specs[i].port;
    std::cout << specs.size() << " packets of and to " << addresses_.size()
              << " pods\n";
  }

  std::vector<IpAddress> addresses_;
};

// Few policies have a chain each, many have one for all.
TEST_P(DeepTreeTest, EveryPodIsReachedByItsRules) {
  for (int policies : {1, 3, 8}) {
    SCOPED_TRACE(absl::StrCat(policies, " policies"));
    ASSERT_NO_FATAL_FAILURE(Enforce(Policies(policies)));
    ExpectOutcomes();
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, DeepTreeTest,
                         testing::ValuesIn(PathKinds({Wiring::kRouted})),
                         PathKindName);

}  // namespace
}  // namespace netpol
