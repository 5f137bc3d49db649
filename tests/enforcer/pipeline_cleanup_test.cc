// The shell line that people use, and ours that does the same.
#include "netpol/enforcer/pipeline_cleanup.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/enforcer/old_node.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// As k3s documents it; $F is the flavour of the programs.
constexpr char kPipeline[] =
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin; "
    "iptables$F-save | grep -v KUBE-ROUTER | iptables$F-restore && "
    "ip6tables$F-save | grep -v KUBE-ROUTER | ip6tables$F-restore";

class PipelineCleanupTest : public OldNodeTest,
                            public testing::WithParamInterface<Flavour> {
 protected:
  static PipelineOptions Options() {
    PipelineOptions options;
    options.tools = GetParam() == Flavour::kLegacy ? PipelineTools::kLegacy
                                                   : PipelineTools::kNft;
    return options;
  }
  v1::PipelineResult CleanUp(const PipelineOptions& options = Options()) {
    v1::PipelineResult result;
    const absl::Status ran = ns().Run([&] {
      result = CleanUpByPipeline(options);
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return result;
  }
  void RunRealPipeline(absl::string_view flavour) {
    Tool({"/bin/sh", "-c", absl::StrReplaceAll(kPipeline, {{"$F", flavour}})});
  }
  // Does `load` on two nodes, cleans up there by the shell and here by us.
  void ExpectTheSameAsTheShell(const std::function<void()>& load) {
    std::string wanted;
    Elsewhere([&] {
      load();
      RunRealPipeline(absl::StrCat("-", FlavourName(GetParam())));
      wanted = RulesText();
    });
    load();
    const std::string before = KernelText();
    const v1::PipelineResult result = CleanUp();
    EXPECT_TRUE(result.complete()) << result.DebugString();
    EXPECT_EQ(RulesText(), wanted);
    EXPECT_NE(KernelText(), before);
    EXPECT_THAT(KernelText(), Not(HasSubstr("-j KUBE-ROUTER-FORWARD")));
  }
};

INSTANTIATE_TEST_SUITE_P(All, PipelineCleanupTest, testing::ValuesIn(kFlavours),
                         [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

TEST_P(PipelineCleanupTest, LeavesOfKubeRouterV26WhatTheShellLeaves) {
  ExpectTheSameAsTheShell([&] {
    LoadForeign(GetParam());
    LoadKubeRouter(GetParam(), OldLayout::kV26);
  });
}

TEST_P(PipelineCleanupTest, LeavesOfKubeRouterV211WhatTheShellLeaves) {
  ExpectTheSameAsTheShell([&] {
    LoadForeign(GetParam());
    LoadKubeRouter(GetParam(), OldLayout::kV211);
  });
  // What makes it a bad clean-up.
  EXPECT_THAT(FilterText(Family::kIPv4, GetParam()),
              AllOf(HasSubstr(":KUBE-POD-FW-73TH3XCTPN7ZVLZ2"),
                    Not(HasSubstr("KUBE-ROUTER is not mine")),
                    HasSubstr("[0:0] -A INPUT -j SITE-RULES")));
  EXPECT_THAT(SetNames(), Contains("kube-router-local-pods"));
}

TEST_P(PipelineCleanupTest, LeavesOfOurLayoutWhatTheShellLeaves) {
  ExpectTheSameAsTheShell([&] {
    LoadForeign(GetParam());
    LoadOurs(GetParam());
  });
}

TEST_P(PipelineCleanupTest, ADryRunShowsTheLinesAndChangesNothing) {
  LoadForeign(GetParam());
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  const std::string before = KernelText();
  PipelineOptions options = Options();
  options.dry_run = true;
  const v1::PipelineResult result = CleanUp(options);
  EXPECT_EQ(KernelText(), before);
  EXPECT_TRUE(result.complete()) << result.DebugString();
  ASSERT_THAT(result.families(), SizeIs(2));
  EXPECT_FALSE(result.families(0).restored());
  EXPECT_THAT(
      result.families(0).dropped_lines(),
      AllOf(Contains("-A INPUT -m comment --comment \"KUBE-ROUTER is not "
                     "mine\" -j ACCEPT"),
            Contains(HasSubstr(":KUBE-ROUTER-INPUT - [0:0]")),
            Not(Contains(HasSubstr("-A KUBE-POD-FW-")))));
}

TEST_P(PipelineCleanupTest, ForeignChainsWithTheWordGoWithTheirRules) {
  LoadForeign(GetParam());
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  // Without the chain that this leads to, the rest makes no sense.
  Tool({Xtables(Family::kIPv4, GetParam()), "-t", "nat", "-N",
        "SITE-KUBE-ROUTER-NAT"});
  Tool({Xtables(Family::kIPv4, GetParam()), "-t", "nat", "-N", "KUBE-ROUTED"});
  const std::string before = KernelText();
  PipelineOptions options = Options();
  const v1::PipelineResult result = CleanUp(options);
  EXPECT_TRUE(result.complete()) << result.DebugString();
  EXPECT_NE(KernelText(), before);
  EXPECT_THAT(
      Tool({Xtables(Family::kIPv4, GetParam()), "-t", "nat", "-S"}),
      AllOf(HasSubstr("KUBE-ROUTED"), Not(HasSubstr("SITE-KUBE-ROUTER-NAT"))));
}

using PipelineOnHostTest = PipelineCleanupTest;

INSTANTIATE_TEST_SUITE_P(Nft, PipelineOnHostTest,
                         testing::Values(Flavour::kNft));

TEST_P(PipelineOnHostTest, NativeRulesThatCannotBeShownStopItUnlessForced) {
  const auto load = [&] {
    LoadForeign(Flavour::kNft);
    LoadNativeNft();
    LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
  };
  std::string wanted;
  Elsewhere([&] {
    load();
    RunRealPipeline("-nft");
    wanted = RulesText();
  });
  load();
  const std::string before = KernelText();
  v1::PipelineResult result = CleanUp();
  EXPECT_FALSE(result.complete());
  ASSERT_THAT(result.problems(), Not(IsEmpty()));
  EXPECT_THAT(
      result.problems(0).text(),
      AllOf(HasSubstr("iptables-nft-save cannot show"), HasSubstr("--force")));
  EXPECT_EQ(KernelText(), before);

  PipelineOptions options = Options();
  options.force = true;
  result = CleanUp(options);
  EXPECT_EQ(RulesText(), wanted);
}

TEST_P(PipelineOnHostTest, TheHostsOwnProgramsAreTakenAsAShellTakesThem) {
  const auto load = [&] {
    for (const Flavour flavour : kFlavours) {
      LoadForeign(flavour);
      LoadKubeRouter(flavour, OldLayout::kV211);
    }
  };
  std::string wanted;
  Elsewhere([&] {
    load();
    RunRealPipeline("");
    wanted = RulesText();
  });
  load();
  const v1::PipelineResult result = CleanUp(PipelineOptions());
  EXPECT_TRUE(result.complete()) << result.DebugString();
  EXPECT_EQ(RulesText(), wanted);
  EXPECT_EQ(result.families(0).save_program(), "iptables-save");
}

}  // namespace
}  // namespace netpol
