#include "tests/kernel/take_over/hook_watch.h"

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/node_programs.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

class HookWatchTest : public LabFixture,
                      public testing::WithParamInterface<Flavour> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<NetNs> ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    ns_.emplace(*std::move(ns));
    for (const Family family : {Family::kIPv4, Family::kIPv6}) {
      for (const char* chain : {"INPUT", "FORWARD", "OUTPUT"}) {
        Iptables(family, {"-N", std::string("KUBE-ROUTER-") + chain});
        Iptables(family,
                 {"-A", chain, "-j", std::string("KUBE-ROUTER-") + chain});
      }
    }
  }

  void Iptables(Family family, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {TablesProgram(GetParam(), family), "-w"});
    const absl::StatusOr<std::string> run = RunOn(*ns_, arguments);
    EXPECT_TRUE(run.ok()) << run.status();
  }

  absl::optional<NetNs> ns_;
};

TEST_P(HookWatchTest, JumpsThatStandFirstAreRight) {
  EXPECT_EQ(HookFault(*ns_, {GetParam()}), "");
  EXPECT_EQ(HookFault(*ns_, {OtherFlavour(GetParam()), GetParam()}), "");
  HookWatch watch(&*ns_, {GetParam()});
  EXPECT_EQ(watch.End(), "");
}

TEST_P(HookWatchTest, MissingJumpIsAFault) {
  Iptables(Family::kIPv6, {"-F", "OUTPUT"});
  EXPECT_EQ(HookFault(*ns_, {GetParam()}), "IPv6 OUTPUT has no jump");
  EXPECT_EQ(HookFault(*ns_, {OtherFlavour(GetParam())}),
            "IPv4 INPUT has no jump");
}

TEST_P(HookWatchTest, SecondJumpIsAFault) {
  Iptables(Family::kIPv4, {"-A", "INPUT", "-j", "KUBE-ROUTER-INPUT"});
  EXPECT_THAT(HookFault(*ns_, {GetParam()}), HasSubstr("INPUT:"));
}

TEST_P(HookWatchTest, JumpThatStandsSecondIsAFault) {
  Iptables(Family::kIPv4, {"-I", "FORWARD", "1", "-j", "ACCEPT"});
  EXPECT_THAT(HookFault(*ns_, {GetParam()}), HasSubstr("FORWARD:"));
}

INSTANTIATE_TEST_SUITE_P(Flavours, HookWatchTest, testing::ValuesIn(kFlavours),
                         [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

}  // namespace
}  // namespace netpol
