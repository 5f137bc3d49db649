#include "netpol/dataplane/nft/nft_channel.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class NftChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
    absl::StatusOr<std::unique_ptr<NftChannel>> channel = NftChannel::Open();
    ASSERT_TRUE(channel.ok()) << channel.status();
    channel_ = *std::move(channel);
  }

  // Feeds `text` to the restore program of the family.
  static void Restore(Family family, const std::string& text) {
    const std::string path = absl::StrCat(testing::TempDir(), "/restore");
    std::ofstream(path) << text;
    Shell(absl::StrCat(family == Family::kIPv4 ? "iptables" : "ip6tables",
                       "-nft-restore --noflush < ", path));
  }

  std::vector<NftRule> Rules(absl::string_view chain,
                             Family family = Family::kIPv4) {
    absl::StatusOr<std::vector<NftRule>> rules =
        channel_->Rules(family, "filter", chain);
    EXPECT_TRUE(rules.ok()) << rules.status();
    return rules.ok() ? *rules : std::vector<NftRule>();
  }

  std::vector<std::string> ChainNames(Family family = Family::kIPv4) {
    std::vector<std::string> names;
    absl::StatusOr<std::vector<NftChain>> chains =
        channel_->Chains(family, "filter");
    EXPECT_TRUE(chains.ok()) << chains.status();
    if (chains.ok()) {
      for (const NftChain& chain : *chains) names.push_back(chain.name);
    }
    return names;
  }

  std::unique_ptr<NftChannel> channel_;
};

TEST_F(NftChannelTest, WhereNothingIsThereNothingIsListed) {
  EXPECT_THAT(*channel_->Tables(Family::kIPv4), IsEmpty());
  EXPECT_THAT(ChainNames(), IsEmpty());
  EXPECT_THAT(Rules(""), IsEmpty());
  EXPECT_THAT(Rules("FORWARD"), IsEmpty());
}

TEST_F(NftChannelTest, TablesAreThoseOfTheFamily) {
  Shell(
      "nft add table ip filter; nft add table ip other; nft add table ip6 six;"
      "nft add table inet both");
  EXPECT_THAT(*channel_->Tables(Family::kIPv4),
              UnorderedElementsAre("filter", "other"));
  EXPECT_THAT(*channel_->Tables(Family::kIPv6), ElementsAre("six"));
}

TEST_F(NftChannelTest, ChainsAreThoseOfTheTable) {
  Restore(Family::kIPv6,
          "*filter\n:MINE - [0:0]\n-A FORWARD -j MINE\nCOMMIT\n");
  Shell("nft add table ip6 other; nft add chain ip6 other ELSEWHERE");
  absl::StatusOr<std::vector<NftChain>> chains =
      channel_->Chains(Family::kIPv6, "filter");
  ASSERT_TRUE(chains.ok()) << chains.status();
  ASSERT_THAT(ChainNames(Family::kIPv6),
              UnorderedElementsAre("FORWARD", "MINE"));
  for (const NftChain& chain : *chains) {
    EXPECT_EQ(chain.is_base, chain.name == "FORWARD") << chain.name;
    EXPECT_NE(chain.handle, 0u) << chain.name;
  }
  EXPECT_THAT(ChainNames(Family::kIPv4), IsEmpty());
}

TEST_F(NftChannelTest, AJumpOfIptablesIsReadWithItsComment) {
  Restore(Family::kIPv4,
          "*filter\n:X - [0:0]\n:Y - [0:0]\n"
          "-A X -m comment --comment \"to the other\" -j Y\n"
          "-A X -s 10.0.0.1/32 -m comment --comment some -g Y\n"
          "-A X -j ACCEPT\n-A X -m comment --comment end\nCOMMIT\n");
  const std::vector<NftRule> rules = Rules("X");
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_EQ(rules[0].chain, "X");
  EXPECT_EQ(rules[0].target, "Y");
  EXPECT_EQ(rules[0].comment, "to the other");
  EXPECT_FALSE(rules[0].go);
  EXPECT_TRUE(rules[0].unconditional);
  EXPECT_EQ(rules[1].target, "Y");
  EXPECT_EQ(rules[1].comment, "some");
  EXPECT_TRUE(rules[1].go);
  EXPECT_FALSE(rules[1].unconditional);
  EXPECT_EQ(rules[2].target, "");
  EXPECT_FALSE(rules[2].unconditional);
  EXPECT_EQ(rules[3].comment, "end");
  EXPECT_LT(rules[0].handle, rules[1].handle);
  EXPECT_THAT(Rules("Y"), IsEmpty());
}

TEST_F(NftChannelTest, AConditionOfAnyKindIsSeen) {
  Restore(Family::kIPv4,
          "*filter\n:X - [0:0]\n:Y - [0:0]\n"
          "-A X -i eth0 -j Y\n-A X -p tcp -j Y\n"
          "-A X -m conntrack --ctstate NEW -j Y\n"
          "-A X -m mark --mark 1 -j Y\n-A X -m limit --limit 1/s -j Y\n"
          "COMMIT\n");
  for (const NftRule& rule : Rules("X")) {
    EXPECT_EQ(rule.target, "Y");
    EXPECT_FALSE(rule.unconditional) << rule.handle;
  }
}

TEST_F(NftChannelTest, RulesOfTheNftCommandAreReadToo) {
  Shell(
      "nft add table ip filter; nft add chain ip filter X;"
      "nft add chain ip filter Y;"
      "nft 'add rule ip filter X counter jump Y comment \"native\"';"
      "nft 'add rule ip filter X tcp dport { 1, 2 } goto Y';"
      "nft 'add rule ip filter X ip saddr vmap { 10.0.0.1 : jump Y }'");
  const std::vector<NftRule> rules = Rules("X");
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].comment, "native");
  EXPECT_TRUE(rules[0].unconditional);
  EXPECT_EQ(rules[1].target, "Y");
  EXPECT_TRUE(rules[1].go);
  EXPECT_FALSE(rules[1].unconditional);
  EXPECT_EQ(rules[2].target, "");
}

TEST_F(NftChannelTest, RulesOfAllChainsComeInOrder) {
  Restore(Family::kIPv4,
          "*filter\n:X - [0:0]\n:Y - [0:0]\n-A X -m comment --comment 1\n"
          "-A Y -m comment --comment 3\n-I X 1 -m comment --comment 0\n"
          "-A X -m comment --comment 2\nCOMMIT\n");
  Shell(
      "nft 'add table ip other; add chain ip other X;"
      "add rule ip other X counter'");
  std::string of_x;
  const std::vector<NftRule> rules = Rules("");
  for (const NftRule& rule : rules) {
    if (rule.chain == "X") absl::StrAppend(&of_x, rule.comment);
  }
  EXPECT_EQ(of_x, "012");
  EXPECT_EQ(rules.size(), 4u);
}

TEST_F(NftChannelTest, ARemovalTakesWhatItNamesAndNothingElse) {
  Restore(Family::kIPv4,
          "*filter\n:X - [0:0]\n:Y - [0:0]\n:Z - [0:0]\n"
          "-A FORWARD -j X\n-A FORWARD -j Z\n-A X -j Y\n-A Y -j ACCEPT\n"
          "-A Z -j ACCEPT\nCOMMIT\n");
  Shell("nft add rule ip filter FORWARD tcp dport { 1, 2 } accept");
  NftRemoval removal;
  removal.generation = *channel_->Generation();
  removal.rules = {{"FORWARD", Rules("FORWARD")[0].handle}};
  removal.flushed = {"X", "Y"};
  removal.chains = {"X", "Y"};
  const absl::Status removed =
      channel_->Remove(Family::kIPv4, "filter", removal);
  ASSERT_TRUE(removed.ok()) << removed;
  EXPECT_THAT(ChainNames(), UnorderedElementsAre("FORWARD", "Z"));
  ASSERT_EQ(Rules("FORWARD").size(), 2u);
  EXPECT_EQ(Rules("FORWARD")[0].target, "Z");
  EXPECT_EQ(Rules("Z").size(), 1u);
}

TEST_F(NftChannelTest, ARemovalOfAChainInUseNamesItAndRemovesNothing) {
  Restore(Family::kIPv4,
          "*filter\n:X - [0:0]\n:Y - [0:0]\n:Z - [0:0]\n-A X -j Y\n"
          "-A Z -j ACCEPT\nCOMMIT\n");
  const absl::Status refused = channel_->Remove(
      Family::kIPv4, "filter", {.flushed = {"Z"}, .chains = {"Z", "Y"}});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("delete chain Y"));
  EXPECT_THAT(refused.message(), HasSubstr("table ip filter"));
  EXPECT_EQ(Rules("Z").size(), 1u);
}

TEST_F(NftChannelTest, AChainThatStillHasRulesIsNotDeleted) {
  Restore(Family::kIPv4, "*filter\n:X - [0:0]\n-A X -j ACCEPT\nCOMMIT\n");
  EXPECT_EQ(channel_->Remove(Family::kIPv4, "filter", {.chains = {"X"}}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Rules("X").size(), 1u);
}

TEST_F(NftChannelTest, WhatIsGoneAlreadyAbortsARemoval) {
  Restore(Family::kIPv4, "*filter\n:X - [0:0]\n-A X -j ACCEPT\nCOMMIT\n");
  for (const NftRemoval& removal :
       {NftRemoval{.flushed = {"X", "GONE"}}, NftRemoval{.chains = {"GONE"}},
        NftRemoval{.rules = {{"X", 4711}}, .flushed = {"X"}}}) {
    const absl::Status aborted =
        channel_->Remove(Family::kIPv4, "filter", removal);
    EXPECT_EQ(aborted.code(), absl::StatusCode::kAborted) << aborted;
  }
  EXPECT_EQ(channel_->Remove(Family::kIPv6, "filter", {.chains = {"X"}}).code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(Rules("X").size(), 1u);
}

TEST_F(NftChannelTest, AnotherTransactionAbortsARemovalOfAnOlderGeneration) {
  Restore(Family::kIPv4, "*filter\n:X - [0:0]\n-A X -j ACCEPT\nCOMMIT\n");
  NftRemoval removal;
  removal.flushed = {"X"};
  removal.generation = *channel_->Generation();
  EXPECT_NE(removal.generation, 0u);
  Shell("nft add table ip6 elsewhere");
  const absl::Status aborted =
      channel_->Remove(Family::kIPv4, "filter", removal);
  EXPECT_EQ(aborted.code(), absl::StatusCode::kAborted) << aborted;
  EXPECT_EQ(Rules("X").size(), 1u);
  removal.generation = *channel_->Generation();
  EXPECT_TRUE(channel_->Remove(Family::kIPv4, "filter", removal).ok());
  EXPECT_THAT(Rules("X"), IsEmpty());
}

TEST_F(NftChannelTest, ARemovalOfNothingMakesNoTransaction) {
  const uint32_t before = *channel_->Generation();
  EXPECT_TRUE(channel_->Remove(Family::kIPv4, "none", {}).ok());
  EXPECT_EQ(*channel_->Generation(), before);
}

TEST_F(NftChannelTest, ATableGoesWithAllThatIsInIt) {
  Restore(Family::kIPv4, "*filter\n:X - [0:0]\n-A X -j ACCEPT\nCOMMIT\n");
  Restore(Family::kIPv6, "*filter\n:X - [0:0]\nCOMMIT\n");
  EXPECT_TRUE(channel_->RemoveTable(Family::kIPv4, "filter").ok());
  EXPECT_THAT(*channel_->Tables(Family::kIPv4), IsEmpty());
  EXPECT_THAT(*channel_->Tables(Family::kIPv6), ElementsAre("filter"));
  EXPECT_TRUE(channel_->RemoveTable(Family::kIPv4, "filter").ok());
}

TEST_F(NftChannelTest, AHundredThousandRulesAreReadAndTenThousandChainsGo) {
  constexpr int kChains = 10000;
  constexpr int kRulesPerChain = 10;
  std::string text = "*filter\n";
  for (int chain = 0; chain < kChains; ++chain)
    absl::StrAppend(&text, ":C", chain, " - [0:0]\n");
  for (int chain = 0; chain < kChains; ++chain) {
    for (int rule = 0; rule < kRulesPerChain; ++rule) {
      absl::StrAppend(&text, "-A C", chain, " -m comment --comment r", rule,
                      " -j ACCEPT\n");
    }
  }
  Restore(Family::kIPv4, text + "COMMIT\n");
  EXPECT_EQ(Rules("").size(), size_t{kChains} * kRulesPerChain);
  EXPECT_EQ(ChainNames().size(), size_t{kChains});
  EXPECT_EQ(Rules("C9999").size(), size_t{kRulesPerChain});
  NftRemoval removal;
  for (int chain = 0; chain < kChains; ++chain) {
    removal.flushed.push_back(absl::StrCat("C", chain));
    removal.chains.push_back(absl::StrCat("C", chain));
  }
  const uint32_t before = *channel_->Generation();
  // A mistake in each leaves everything, and the first of all is told.
  NftRemoval bad = removal;
  for (std::string& chain : bad.chains) chain += "x";
  const absl::Status refused = channel_->Remove(Family::kIPv4, "filter", bad);
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("delete chain C0x"));
  const absl::Status removed =
      channel_->Remove(Family::kIPv4, "filter", removal);
  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_EQ(*channel_->Generation(), before + 1);
  EXPECT_THAT(ChainNames(), IsEmpty());
}

TEST_F(NftChannelTest, ListsAreWholeWhileSomebodyElseKeepsWriting) {
  std::string text = "*filter\n:X - [0:0]\n";
  for (int rule = 0; rule < 2000; ++rule)
    absl::StrAppend(&text, "-A X -m comment --comment r", rule, "\n");
  Restore(Family::kIPv4, text + "COMMIT\n");
  // Ends by itself, and before the test does.
  FILE* writer = popen(
      "i=0; while [ $i -lt 100 ]; do i=$((i+1));"
      "/usr/sbin/nft 'insert rule ip filter X counter;"
      "add rule ip filter X counter'; done",
      "r");
  ASSERT_NE(writer, nullptr);
  for (int round = 0; round < 100; ++round) {
    // Both rules of a transaction, or none.
    EXPECT_EQ(Rules("X").size() % 2, 0u);
  }
  EXPECT_EQ(pclose(writer), 0);
  EXPECT_EQ(Rules("X").size(), 2200u);
}

TEST_F(NftChannelTest, WithoutPrivilegesItSaysWhatIsNeeded) {
  absl::Status status;
  WithoutPrivileges([&] { status = NftChannel::Open().status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(status.message(), HasSubstr("CAP_NET_ADMIN"));
}

}  // namespace
}  // namespace netpol
