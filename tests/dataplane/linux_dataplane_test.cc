#include "netpol/dataplane/linux_dataplane.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/sync/sync_engine.h"
#include "tests/dataplane/legacy/filter_lab.h"
#include "tests/dataplane/legacy/rule_corpus.h"

namespace netpol {
namespace {

class LinuxDataplaneTest : public FilterLabTest {
 protected:
  void SetUp() override {
    FilterLabTest::SetUp();
    if (IsSkipped()) return;
    auto dataplane =
        LinuxDataplane::Create({.lock_timeout = absl::Seconds(20)});
    ASSERT_TRUE(dataplane.ok()) << dataplane.status();
    dataplane_ = *std::move(dataplane);
  }

  SetMember Member(int i) {
    const IpAddress base =
        *IpAddress::Parse(family() == Family::kIPv4 ? "10.0.0.0" : "fd00::");
    return SetMember::Address({family(), base.bits() + i});
  }
  Snapshot Read() {
    const Family families[] = {family()};
    absl::StatusOr<Snapshot> snapshot = dataplane_->Read(families);
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return snapshot.ok() ? *snapshot : Snapshot();
  }
  Chain ChainWithSet() {
    Rule rule = PlainRule("from set", AcceptAction{});
    rule.matches = {SetMatch{spec_.name}};
    return {chain_, {rule}};
  }

  const ChainName chain_{"KUBE-NWPLCY-A"};
  const SetSpec spec_{SetName(family(), "KUBE-SRC-A"), SetType::kHashIp,
                      family()};
  std::unique_ptr<LinuxDataplane> dataplane_;
};

TEST_P(LinuxDataplaneTest, ReadsSetsAndChainsThatItWrote) {
  ASSERT_TRUE(dataplane_->CreateSet(spec_, {Member(1), Member(2)}).ok());
  ASSERT_TRUE(dataplane_->CommitTable({family(), {ChainWithSet()}}).ok());
  ASSERT_TRUE(dataplane_->AddMembers(spec_, {Member(3)}).ok());
  ASSERT_TRUE(dataplane_->RemoveMembers(spec_, {Member(1)}).ok());
  const Snapshot snapshot = Read();
  ASSERT_EQ(snapshot.sets.count(spec_.name), 1u);
  EXPECT_THAT(snapshot.sets.at(spec_.name).members,
              testing::UnorderedElementsAre(Member(2), Member(3)));
  EXPECT_EQ(snapshot.table(family()).chains.at(chain_), ChainWithSet().rules);
}

TEST_P(LinuxDataplaneTest, AReplacedSetStaysInItsRules) {
  ASSERT_TRUE(dataplane_->CreateSet(spec_, {Member(1)}).ok());
  ASSERT_TRUE(dataplane_->CommitTable({family(), {ChainWithSet()}}).ok());
  SetSpec larger = spec_;
  larger.max_elements = 131072;
  ASSERT_TRUE(dataplane_->ReplaceSet(larger, {Member(7)}).ok());
  EXPECT_EQ(Read().table(family()).chains.at(chain_), ChainWithSet().rules);
  const uint64_t commits = dataplane_->writes().table_commits;
  EXPECT_TRUE(dataplane_->CommitTable({family(), {ChainWithSet()}}).ok());
  EXPECT_EQ(dataplane_->writes().table_commits, commits);
}

TEST_P(LinuxDataplaneTest, ASetCanBeDestroyedOnceItsRuleHasGone) {
  ASSERT_TRUE(dataplane_->CreateSet(spec_, {}).ok());
  ASSERT_TRUE(dataplane_->CommitTable({family(), {ChainWithSet()}}).ok());
  EXPECT_EQ(dataplane_->DestroySet(spec_.name).code(),
            absl::StatusCode::kUnavailable);
  ASSERT_TRUE(dataplane_->CommitTable({family(), {}, {chain_}}).ok());
  EXPECT_TRUE(dataplane_->DestroySet(spec_.name).ok());
  EXPECT_TRUE(Read().sets.empty());
}

TEST_P(LinuxDataplaneTest, CountsWhatItWroteAndNotWhatItRead) {
  EXPECT_EQ(dataplane_->writes().total(), 0u);
  Read();
  EXPECT_EQ(dataplane_->writes().total(), 0u);
  ASSERT_TRUE(dataplane_->CreateSet(spec_, {Member(1)}).ok());
  EXPECT_GT(dataplane_->writes().set_messages, 0u);
  EXPECT_EQ(dataplane_->writes().table_commits, 0u);
  ASSERT_TRUE(dataplane_->CommitTable({family(), {ChainWithSet()}}).ok());
  EXPECT_EQ(dataplane_->writes().table_commits, 1u);
}

TEST_P(LinuxDataplaneTest, ReadsOnlyTheFamilyAskedFor) {
  ASSERT_TRUE(dataplane_->CommitTable({family(), {{chain_, {}}}}).ok());
  const Family other =
      family() == Family::kIPv4 ? Family::kIPv6 : Family::kIPv4;
  const Family families[] = {other};
  const absl::StatusOr<Snapshot> snapshot = dataplane_->Read(families);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_TRUE(snapshot->table(family()).chains.empty());
}

TEST_P(LinuxDataplaneTest, EngineTellsOthersChangesFromItsOwn) {
  SyncEngine engine(dataplane_.get(), {family()});
  RulesetChange change;
  SetContent content;
  content.name = spec_.name;
  content.family = family();
  content.members = {Member(1), Member(2)};
  change.sets = {content};
  for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
    change.table(family()).chains.push_back({ChainName(hook), {}});
  change.table(family()).chains.push_back(ChainWithSet());
  engine.Stage(change);
  absl::StatusOr<SyncReport> report = engine.Sync();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->repaired.size(), 0u);
  EXPECT_GT(report->times.of(family()).read, absl::ZeroDuration());
  EXPECT_GT(report->times.of(family()).commit, absl::ZeroDuration());
  const auto look = [&] {
    engine.QueueResync();
    report = engine.Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? static_cast<int>(report->repaired.size()) : -1;
  };
  EXPECT_EQ(look(), 0);
  Run("ipset flush " + spec_.name.value());
  Iptables("-F " + chain_.value());
  Iptables("-D INPUT 1");
  EXPECT_EQ(look(), 3);
  EXPECT_EQ(Read().table(family()).chains.at(chain_), ChainWithSet().rules);
  EXPECT_EQ(look(), 0);
}

INSTANTIATE_TEST_SUITE_P(Families, LinuxDataplaneTest,
                         testing::ValuesIn(kFamilies), FamilyTestName);

}  // namespace
}  // namespace netpol
