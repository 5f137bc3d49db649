// The cheap look between two readings, and chains that others hold on to.
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/forwarding_dataplane.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LookForChangesTest : public EngineTest {
 protected:
  void SetUp() override {
    RulesetChange change = Base(kV4);
    change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1", "10.0.0.2"}));
    change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
    Apply(std::move(change));
  }

  // The next sync mends exactly one thing, without being told to read.
  void ExpectSeenAndMended(const std::string& name) {
    EXPECT_TRUE(engine_.LookForChanges());
    EXPECT_THAT(Sync().repaired, ElementsAre(HasSubstr(name)));
    EXPECT_FALSE(engine_.LookForChanges());
  }
};

TEST_F(LookForChangesTest, NothingIsSeenAfterOwnChanges) {
  EXPECT_FALSE(engine_.LookForChanges());
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.3"),
                    Absent("KUBE-SRC-A", "10.0.0.1")};
  change.sets.push_back(Allowing("KUBE-SRC-B", {"10.0.0.9"}));
  change.table(kV4).chains.push_back(
      {ChainName(kPolicy),
       {AcceptFrom("KUBE-SRC-A"), AcceptFrom("KUBE-SRC-B")}});
  Apply(std::move(change));
  EXPECT_FALSE(engine_.LookForChanges());
  kernel_.ClearLog();
  Sync();
  EXPECT_THAT(kernel_.log(), IsEmpty()) << "nothing is read again";
}

TEST_F(LookForChangesTest, NobodyLooksAtAKernelThatIsReadNextAnyway) {
  kernel_.table(kV4).RemoveJumps();
  engine_.QueueResync();
  EXPECT_FALSE(engine_.LookForChanges());
}

TEST_F(LookForChangesTest, HooksChainsAndSetsAreSeen) {
  kernel_.table(kV4).InsertForeignRule("FORWARD", 0);
  ExpectSeenAndMended("IPv4 jumps to our chains");
  kernel_.table(kV4).Flush(ChainName(kPolicy));
  ExpectSeenAndMended(std::string(kPolicy));
  kernel_.sets().Flush(SetName("KUBE-SRC-A"));
  ExpectSeenAndMended("set KUBE-SRC-A");
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  ObservedSet theirs;
  theirs.spec.name = SetName("KUBE-SRC-THEIRS");
  kernel_.sets().Put(theirs);
  ExpectSeenAndMended("set KUBE-SRC-THEIRS");
}

// A kernel that cannot be looked at.
class BlindKernel : public ForwardingDataplane {
 public:
  BlindKernel() : ForwardingDataplane(std::make_unique<FakeDataplane>()) {}
  absl::StatusOr<Glance> Look(absl::Span<const Family>) override {
    return absl::UnavailableError("the socket is gone");
  }
};

TEST(LookForChangesAloneTest, WhatCannotBeLookedAtIsReadAgain) {
  BlindKernel kernel;
  SyncEngine engine(&kernel, {kV4});
  engine.Stage(Base(kV4));
  ASSERT_TRUE(engine.Sync().ok());
  EXPECT_TRUE(engine.LookForChanges());
  EXPECT_FALSE(engine.LookForChanges()) << "until it is";
}

TEST_F(LookForChangesTest, ChainThatOthersHoldOnToIsEmptiedToldAndLeft) {
  RulesetChange more;
  more.table(kV4).chains.push_back(
      {ChainName("KUBE-POD-FW-HELD"), {AcceptFrom("KUBE-SRC-A")}});
  Apply(std::move(more));
  kernel_.table(kV4).AddForeignCaller(ChainName("KUBE-POD-FW-HELD"));
  RulesetChange less;
  less.table(kV4).gone_chains = {ChainName("KUBE-POD-FW-HELD")};
  engine_.Stage(std::move(less));
  SyncReport report = Sync();
  EXPECT_THAT(report.notices,
              ElementsAre(HasSubstr("KUBE-POD-FW-HELD: emptied")));
  EXPECT_FALSE(report.retry);
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-HELD"), IsEmpty());
  // Left in peace until the kernel is read, and no repair then.
  kernel_.ClearLog();
  EXPECT_THAT(Sync().notices, IsEmpty());
  EXPECT_THAT(Deeds(kernel_), IsEmpty());
  engine_.QueueResync();
  report = Sync();
  EXPECT_THAT(report.repaired, IsEmpty());
  EXPECT_THAT(report.notices, ElementsAre(HasSubstr("HELD")));
  // Gone once nobody holds it.
  kernel_.table(kV4).RemoveForeignCaller(ChainName("KUBE-POD-FW-HELD"));
  engine_.QueueResync();
  EXPECT_THAT(Sync().notices, IsEmpty());
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-HELD"), ElementsAre("no chain"));
}

}  // namespace
}  // namespace netpol
