// The jumps from the built-in chains, and what stands beside them.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataplane/nft/nft_table_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NftHooksTest : public NftFilterTableTest {};

TEST_P(NftHooksTest, EnsurePutsOneJumpFirstInEachBuiltinChain) {
  AddForeignRules();
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 1u);
  const std::vector<std::string> forward = SavedRules("FORWARD");
  ASSERT_THAT(forward, testing::SizeIs(5));
  EXPECT_EQ(forward.front(), Hook(1));
  EXPECT_EQ(SavedRules("OUTPUT").front(), Hook(2));
  const ObservedTable table = Read();
  EXPECT_TRUE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 3);
  EXPECT_THAT(table.rules_before_hook, ElementsAre(0, 0, 0));
}

TEST_P(NftHooksTest, AHookIsBroughtBackToTheFirstPlaceInOneTransaction) {
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  Iptables("-I FORWARD -p tcp -j ACCEPT");
  Nft("insert rule FAMILY filter FORWARD tcp dport '{ 80, 443 }' accept");
  ObservedTable table = Read();
  EXPECT_FALSE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 3);
  EXPECT_THAT(table.rules_before_hook, ElementsAre(0, 2, 0));
  const std::vector<std::string> others = RulesetOfOthers();
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 2u);
  EXPECT_EQ(SavedRules("FORWARD").front(), Hook(1));
  EXPECT_TRUE(Read().hooks_in_place);
  EXPECT_EQ(Read().hooks_found, 3);
  EXPECT_EQ(RulesetOfOthers(), others);
}

TEST_P(NftHooksTest, EnsureLeavesTheRightJumpAndItsCounters) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables(absl::StrCat("-A INPUT ", Hook(0)));
  SendOverLoopback(7000, 3);
  Iptables("-A INPUT -m comment --comment stray -j KUBE-ROUTER-INPUT");
  Iptables("-A INPUT -i lo -j RETURN");
  Iptables("-A INPUT -g KUBE-ROUTER-INPUT");
  Iptables(absl::StrCat("-A INPUT ", Hook(0)));
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_THAT(SavedRules("INPUT"), ElementsAre(Hook(0), "-i lo -j RETURN"));
  EXPECT_EQ(PacketsOf("INPUT", 1), 3);
}

TEST_P(NftHooksTest, StraysGoOnceTheHookStandsFirst) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables("-A FORWARD -p sctp -j RETURN");
  Iptables(absl::StrCat("-A FORWARD ", Hook(1)));
  Iptables("-A FORWARD -p tcp -j KUBE-ROUTER-OUTPUT");
  Iptables(absl::StrCat("-A FORWARD ", Hook(1)));
  Nft("add rule FAMILY filter FORWARD tcp dport '{ 80, 443 }' jump "
      "KUBE-ROUTER-FORWARD");
  EXPECT_EQ(Read().hooks_found, 4);
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_THAT(SavedRules("FORWARD"), ElementsAre(Hook(1), "-p sctp -j RETURN"));
  EXPECT_EQ(Read().hooks_found, 3);
  const uint64_t commits = table_.commits();
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), commits);
}

TEST_P(NftHooksTest, EnsureWithoutOurChainsSaysSo) {
  const absl::Status status = Commit({}, {}, HookChange::kEnsure);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-ROUTER-INPUT"));
  ASSERT_TRUE(Commit(HookChains()).ok());
  EXPECT_EQ(Commit({}, {ChainName(kOutputChain)}, HookChange::kEnsure).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_P(NftHooksTest, RemoveTakesEveryJumpIntoOurChainsOut) {
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  Iptables("-N KUBE-POD-FW-X");
  Iptables("-A FORWARD -p tcp -j KUBE-POD-FW-X");
  Iptables("-A FORWARD -p udp -j ACCEPT");
  Nft("add rule FAMILY filter FORWARD tcp dport '{ 80, 443 }' jump "
      "KUBE-POD-FW-X");
  EXPECT_EQ(Read().hooks_found, 5);
  const uint64_t commits = table_.commits();
  ASSERT_TRUE(Commit({}, {}, HookChange::kRemove).ok());
  EXPECT_EQ(table_.commits(), commits + 1);
  EXPECT_THAT(SavedRules("FORWARD"), ElementsAre("-p udp -j ACCEPT"));
  EXPECT_THAT(SavedRules("INPUT"), IsEmpty());
  EXPECT_EQ(Read().hooks_found, 0);
}

TEST_P(NftHooksTest, AcceptRulesOfOlderLayoutsAreFoundAndRemoved) {
  const std::string older =
      "-m comment --comment \"rule to explicitly ACCEPT traffic that comply to "
      "network policies\" -m mark --mark 0x20000/0x20000 -j ACCEPT";
  const std::vector<std::string> others = {
      // Another condition, place, end or comment.
      "-p tcp -m comment --comment \"KUBE-ROUTER x\" -m mark --mark "
      "0x20000/0x20000 -j ACCEPT",
      "-m comment --comment \"KUBE-ROUTER x\" -m mark --mark 0x10000/0x10000 "
      "-j ACCEPT",
      "-m mark --mark 0x20000/0x20000 -m comment --comment \"KUBE-ROUTER x\" "
      "-j ACCEPT",
      "-m comment --comment \"KUBE-ROUTER x\" -m mark --mark 0x20000/0x20000 "
      "-j DROP",
      "-m comment --comment \"not KUBE-ROUTER x\" -m mark --mark "
      "0x20000/0x20000 -j ACCEPT",
  };
  Iptables(absl::StrCat("-A FORWARD ", others[0]));
  Iptables(absl::StrCat("-A FORWARD ", older));
  for (size_t i = 1; i < others.size(); ++i)
    Iptables(absl::StrCat("-A FORWARD ", others[i]));
  Iptables(
      "-A OUTPUT -m comment --comment \"KUBE-ROUTER rule to explicitly "
      "ACCEPT\" "
      "-m mark --mark 0x20000/0x20000 -j ACCEPT");
  EXPECT_EQ(Read().hooks_found, 2);
  ASSERT_TRUE(Commit({}, {}, HookChange::kRemove).ok());
  EXPECT_THAT(SavedRules("FORWARD"), testing::ElementsAreArray(others));
  EXPECT_THAT(SavedRules("OUTPUT"), IsEmpty());
  EXPECT_EQ(table_.commits(), 1u);
}

TEST_P(NftHooksTest, RemovalOfAllTakesOneTransaction) {
  std::vector<Chain> chains = HookChains({Jump(a_)});
  chains.push_back({a_, {Jump(b_)}});
  chains.push_back({b_, {}});
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  std::vector<ChainName> all = HookChainNames();
  all.push_back(b_);
  all.push_back(a_);
  ASSERT_TRUE(Commit({}, all, HookChange::kRemove).ok());
  EXPECT_EQ(table_.commits(), 2u);
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(NftHooksTest, RemovalWithAWriteLeavesJustTheWrite) {
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  ASSERT_TRUE(
      Commit({{a_, {Return("a")}}}, HookChainNames(), HookChange::kRemove)
          .ok());
  const ObservedTable table = Read();
  EXPECT_EQ(table.hooks_found, 0);
  EXPECT_THAT(table.chains,
              ElementsAre(std::make_pair(a_, std::vector<Rule>{Return("a")})));
}

INSTANTIATE_TEST_SUITE_P(Families, NftHooksTest, testing::ValuesIn(kFamilies),
                         FamilyTestName);

}  // namespace
}  // namespace netpol
