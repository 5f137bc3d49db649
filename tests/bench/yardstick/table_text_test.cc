#include "bench/yardstick/table_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kOld[] = "KUBE-POD-FW-AAAAAAAAAAAAAAAA";
constexpr char kNew[] = "KUBE-POD-FW-BBBBBBBBBBBBBBBB";

TEST(StaleChainsInTest, AreThoseOfPodsAndPoliciesThatAreNotActive) {
  EXPECT_THAT(StaleChainsIn("-P INPUT ACCEPT\n"
                            "-N FOREIGN\n"
                            "-N KUBE-ROUTER-INPUT\n"
                            "-N KUBE-NWPLCY-COMMON\n"
                            "-N KUBE-NWPLCY-OLD\n"
                            "-N KUBE-POD-FW-OLD\n"
                            "-N KUBE-POD-FW-NEW\n"
                            "-A KUBE-POD-FW-OLD -j RETURN\n",
                            {"KUBE-POD-FW-NEW"}),
              UnorderedElementsAre("KUBE-NWPLCY-OLD", "KUBE-POD-FW-OLD"));
}

TEST(RebuiltTableTest, LeavesOutEveryLineOfAStaleChainAndKeepsOthers) {
  const std::string text = RebuiltTable(
      absl::StrCat("# Generated\n*filter\n:INPUT DROP [3:4]\n:", kOld,
                   " - [0:0]\n-A ", kOld,
                   " -j RETURN\n-A INPUT -s 10.0.0.1 -j ", kOld,
                   "\n-A INPUT -s 10.0.0.2 -j ACCEPT\nCOMMIT\n# Done\n"),
      absl::StrCat(":", kNew, "\n-A ", kNew, " -j RETURN\n"), {kOld});
  EXPECT_THAT(text, Not(HasSubstr(kOld)));
  EXPECT_THAT(text, HasSubstr("\n:INPUT DROP [3:4] - [0:0]\n"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("\n:", kNew, " - [0:0]\n")));
  EXPECT_THAT(text, HasSubstr("\n-A INPUT -s 10.0.0.2 -j ACCEPT\n"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("\n-A ", kNew, " -j RETURN\n")));
  EXPECT_THAT(text, Not(HasSubstr("#")));
  EXPECT_THAT(text, testing::StartsWith("*filter\n"));
  EXPECT_THAT(text, testing::EndsWith("\nCOMMIT\n"));
}

TEST(RebuiltTableTest, TheEndsOfTheTopLevelChainsStayAtTheirEnds) {
  const std::string first = RebuiltTable("*filter\nCOMMIT\n", "", {});
  const std::string rule = "-A KUBE-ROUTER-INPUT -s 10.0.0.1 -j RETURN\n";
  const std::string second = RebuiltTable(first, rule, {});
  EXPECT_EQ(second.size(), first.size() + rule.size())
      << "no rule may be there twice";
  EXPECT_LT(second.find(rule), second.find("KUBE-NWPLCY-TAIL"));
}

}  // namespace
}  // namespace netpol
