// What the sync engine makes of growing sets, and of many, in the running
// kernel.
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"
#include "netpol/sync/sync_engine.h"
#include "tests/dataplane/ipset/private_network.h"
#include "tests/dataplane/ipset/set_table_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GrownSetsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
    lock_file_ = absl::StrCat(testing::TempDir(), "/xtables.lock.", getpid());
    setenv("XTABLES_LOCKFILE", lock_file_.c_str(), 1);
    auto dataplane = LinuxDataplane::Create({});
    ASSERT_TRUE(dataplane.ok()) << dataplane.status();
    dataplane_ = *std::move(dataplane);
    Restart({});
  }
  void TearDown() override { unlink(lock_file_.c_str()); }

  // A new engine over the same kernel.
  void Restart(SyncEngineOptions options) {
    engine_ = std::make_unique<SyncEngine>(
        dataplane_.get(), std::vector<Family>{Family::kIPv4}, options);
    RulesetChange change;
    for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
      change.table(Family::kIPv4).chains.push_back({ChainName(hook), {}});
    engine_->Stage(std::move(change));
  }

  // Wants the set `name` with `members`, and syncs.
  SyncReport Want(const std::string& name, std::vector<SetMember> members,
                  SetType type = SetType::kHashIp) {
    RulesetChange change;
    change.sets.push_back({SetName(name), type, Family::kIPv4,
                           SetEffect::kAllows, std::move(members)});
    engine_->Stage(std::move(change));
    return Sync();
  }
  SyncReport Sync() {
    absl::StatusOr<SyncReport> report = engine_->Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : SyncReport();
  }
  // All names in the order in which the kernel walks them.
  static std::vector<std::string> NamesInOrder() {
    return absl::StrSplit(Shell("ipset list -n"), '\n', absl::SkipEmpty());
  }

  std::string lock_file_;
  std::unique_ptr<LinuxDataplane> dataplane_;
  std::unique_ptr<SyncEngine> engine_;
};

TEST_F(GrownSetsTest, SetThatOutgrowsItsHashGetsTheRightOneInOneStep) {
  Want("KUBE-SRC-A", Addresses(10));
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-A"), HasSubstr("hashsize 64 "));
  EXPECT_EQ(Want("KUBE-SRC-A", Addresses(5000)).sets_replaced, 1);
  // In steps the kernel would have stopped at 1024 or 2048.
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-A"), HasSubstr("hashsize 8192 "));
  EXPECT_EQ(SavedMembers("KUBE-SRC-A"), Texts(Addresses(5000)));
  EXPECT_THAT(NamesInOrder(), ElementsAre("KUBE-SRC-A"));
}

TEST_F(GrownSetsTest, SetGrownByTheKernelIsTakenAsItIs) {
  Want("KUBE-SRC-A", Addresses(1000));
  Restart({});
  EXPECT_EQ(Want("KUBE-SRC-A", Addresses(2048)).sets_replaced, 0);
  Shell(
      "ipset destroy KUBE-SRC-A; ipset create KUBE-SRC-A hash:ip hashsize "
      "4096");
  Restart({});
  EXPECT_EQ(Want("KUBE-SRC-A", Addresses(8192)).sets_replaced, 0);
  EXPECT_EQ(Want("KUBE-SRC-A", Addresses(8193)).sets_replaced, 1);
}

TEST_F(GrownSetsTest, ReplacedSetKeepsItsPlaceInTheOrder) {
  for (const char* name : {"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C"})
    Want(name, Addresses(1));
  EXPECT_EQ(Want("KUBE-SRC-A", Addresses(500)).sets_replaced, 1);
  EXPECT_THAT(NamesInOrder(),
              ElementsAre("KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C"));
}

TEST_F(GrownSetsTest, SetsThatChangeOftenAreFoundFirst) {
  RulesetChange change;
  const auto add = [&](const char* name, SetType type, size_t members) {
    change.sets.push_back({SetName(name), type, Family::kIPv4,
                           SetEffect::kAllows, Addresses(members)});
  };
  add("KUBE-DST-A", SetType::kHashNet, 400);
  add("KUBE-SRC-B", SetType::kHashIp, 3);
  add("KUBE-SRC-C", SetType::kHashIp, 300);
  engine_->Stage(std::move(change));
  Sync();
  EXPECT_THAT(NamesInOrder(),
              ElementsAre("KUBE-SRC-C", "KUBE-SRC-B", "KUBE-DST-A"));
}

TEST_F(GrownSetsTest, SetsOfOthersTakeTheRoomUntilTheyGo) {
  Shell("ipset create blocked hash:ip; ipset create other hash:net");
  Restart({.max_sets = 3});
  EXPECT_THAT(Want("KUBE-SRC-A", Addresses(1)).problems, IsEmpty());
  EXPECT_THAT(Want("KUBE-SRC-B", Addresses(1)).problems,
              ElementsAre(HasSubstr("2 of them of others")));
  EXPECT_THAT(NamesInOrder(), ElementsAre("blocked", "other", "KUBE-SRC-A"));
  Shell("ipset destroy blocked");
  EXPECT_THAT(Sync().problems, IsEmpty());
  // The kernel uses the free place again.
  EXPECT_THAT(NamesInOrder(), ElementsAre("KUBE-SRC-B", "other", "KUBE-SRC-A"));
}

}  // namespace
}  // namespace netpol
