#include "netpol/testing/fake_dataplane.h"

#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }
SetMember Address(absl::string_view text) {
  return SetMember::Address(Ip(text));
}
SetMember Net(absl::string_view text) {
  return SetMember::Net(*IpPrefix::Parse(text));
}

Rule Does(Action action) {
  Rule rule;
  rule.action = std::move(action);
  return rule;
}

Rule When(Match match) {
  Rule rule = Does(AcceptAction{});
  rule.matches = {std::move(match)};
  return rule;
}

TableChange Write(std::vector<Chain> chains) {
  TableChange change;
  change.write = std::move(chains);
  return change;
}

TableChange Delete(std::vector<ChainName> chains) {
  TableChange change;
  change.remove = std::move(chains);
  return change;
}

TableChange Hooks(HookChange hooks) {
  TableChange change;
  change.hooks = hooks;
  return change;
}

const ChainName kA("KUBE-POD-FW-A");
const ChainName kB("KUBE-POD-FW-B");
const SetName kSet("KUBE-SRC-X");
const SetSpec kIps{kSet, SetType::kHashIp, Family::kIPv4};
const SetSpec kNets{kSet, SetType::kHashNet, Family::kIPv4};
const SetSpec kEndpoints{kSet, SetType::kHashIpPort, Family::kIPv4};

#define EXPECT_REFUSED(expr, wanted)                      \
  do {                                                    \
    const absl::Status status = (expr);                   \
    EXPECT_EQ(status.code(), absl::StatusCode::k##wanted) \
        << status.ToString();                             \
  } while (false)

#define ASSERT_DONE(expr)                          \
  do {                                             \
    const absl::Status status = (expr);            \
    ASSERT_TRUE(status.ok()) << status.ToString(); \
  } while (false)

class FakeDataplaneTest : public ::testing::Test {
 protected:
  absl::Status Commit(std::vector<Rule> rules) {
    return fake_.CommitTable(Write({{kA, std::move(rules)}}));
  }

  absl::Status HookUp() {
    TableChange change = Hooks(HookChange::kEnsure);
    change.write = {{ChainName(kInputChain), {}},
                    {ChainName(kForwardChain), {}},
                    {ChainName(kOutputChain), {}}};
    return fake_.CommitTable(change);
  }

  ObservedTable Table() { return fake_.state().table(Family::kIPv4); }

  FakeDataplane fake_;
};

TEST_F(FakeDataplaneTest, SetHoldsWhatWasAddedAndNotRemoved) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  ASSERT_DONE(
      fake_.AddMembers(kIps, {Address("10.0.0.1"), Address("10.0.0.2")}));
  ASSERT_DONE(
      fake_.RemoveMembers(kIps, {Address("10.0.0.1"), Address("10.0.0.9")}));
  EXPECT_THAT(fake_.state().sets.at(kSet).members,
              UnorderedElementsAre(Address("10.0.0.2")));
}

TEST_F(FakeDataplaneTest, ExistingSetIsNotCreatedAgain) {
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  EXPECT_REFUSED(fake_.CreateSet(kIps, {}), AlreadyExists);
}

TEST_F(FakeDataplaneTest, SetNameMustBeOurs) {
  SetSpec spec = kIps;
  spec.name = SetName("cali40masq");
  EXPECT_REFUSED(fake_.CreateSet(spec, {}), InvalidArgument);
}

TEST_F(FakeDataplaneTest, MembersOfTheWrongKindAreRefused) {
  const SetMember endpoint =
      SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 80);
  const SetMember host_bits = SetMember::Net(IpPrefix{Ip("10.0.0.1"), 8});
  const std::vector<std::pair<SetSpec, SetMember>> wrong = {
      {kIps, Address("fd00::1")},
      {kIps, Net("10.0.0.0/8")},
      {kIps, Address("0.0.0.0")},
      {kIps, endpoint},
      {kNets, Net("0.0.0.0/0")},
      {kNets, Net("fd00::/8")},
      {kNets, host_bits},
      {kNets, endpoint},
      {kEndpoints, Address("10.0.0.1")},
      {kEndpoints, SetMember::AddressPort(Ip("10.0.0.1"), 47, 80)}};
  for (const auto& [spec, member] : wrong) {
    EXPECT_REFUSED(fake_.CreateSet(spec, {member}), InvalidArgument);
    EXPECT_THAT(fake_.state().sets, IsEmpty()) << member;
  }
  EXPECT_EQ(fake_.writes().total(), 0u);
}

TEST_F(FakeDataplaneTest, NetSetTakesHalvesAndHosts) {
  EXPECT_TRUE(fake_
                  .CreateSet(kNets, {Net("0.0.0.0/1"), Net("128.0.0.0/1"),
                                     Net("10.0.0.1/32")})
                  .ok());
}

TEST_F(FakeDataplaneTest, FullSetKeepsWhatFitted) {
  SetSpec spec = kIps;
  spec.max_elements = 2;
  ASSERT_DONE(fake_.CreateSet(spec, {Address("10.0.0.1")}));
  EXPECT_REFUSED(
      fake_.AddMembers(spec, {Address("10.0.0.2"), Address("10.0.0.3")}),
      ResourceExhausted);
  EXPECT_THAT(fake_.state().sets.at(kSet).members,
              UnorderedElementsAre(Address("10.0.0.1"), Address("10.0.0.2")));
  // One that is there needs no room.
  EXPECT_TRUE(fake_.AddMembers(spec, {Address("10.0.0.1")}).ok());
}

TEST_F(FakeDataplaneTest, SetCreatedTooSmallIsNotLeft) {
  SetSpec spec = kIps;
  spec.max_elements = 1;
  EXPECT_REFUSED(
      fake_.CreateSet(spec, {Address("10.0.0.1"), Address("10.0.0.2")}),
      ResourceExhausted);
  EXPECT_THAT(fake_.state().sets, IsEmpty());
}

TEST_F(FakeDataplaneTest, KernelHoldsSoManySetsAndNoMore) {
  fake_.sets().set_foreign_count(FakeSets::kMaxSets - 1);
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  SetSpec other = kIps;
  other.name = SetName("KUBE-SRC-Y");
  EXPECT_REFUSED(fake_.CreateSet(other, {}), ResourceExhausted);
  // A replacement needs a second one for a moment.
  EXPECT_REFUSED(fake_.ReplaceSet(kIps, {}), ResourceExhausted);
}

TEST_F(FakeDataplaneTest, MembersNeedTheirSet) {
  EXPECT_REFUSED(fake_.AddMembers(kIps, {Address("10.0.0.1")}), NotFound);
  EXPECT_REFUSED(fake_.RemoveMembers(kIps, {Address("10.0.0.1")}), NotFound);
  EXPECT_REFUSED(fake_.ReplaceSet(kIps, {}), NotFound);
}

TEST_F(FakeDataplaneTest, SetOfAnotherTypeIsNotEditedOrSwapped) {
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  EXPECT_REFUSED(fake_.ReplaceSet(kNets, {}), FailedPrecondition);
  EXPECT_REFUSED(fake_.AddMembers(kNets, {}), FailedPrecondition);
  SetSpec other_family = kIps;
  other_family.family = Family::kIPv6;
  EXPECT_REFUSED(fake_.ReplaceSet(other_family, {}), FailedPrecondition);
}

TEST_F(FakeDataplaneTest, SetInUseIsReplacedButNotDestroyed) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  ASSERT_DONE(Commit({When(SetMatch{kSet})}));
  EXPECT_REFUSED(fake_.DestroySet(kSet), Unavailable);
  SetSpec bigger = kIps;
  bigger.max_elements = 131072;
  ASSERT_DONE(fake_.ReplaceSet(bigger, {Address("10.0.0.2")}));
  EXPECT_EQ(fake_.state().sets.at(kSet).spec, bigger);
  EXPECT_THAT(fake_.state().sets.at(kSet).members,
              UnorderedElementsAre(Address("10.0.0.2")));
  ASSERT_DONE(Commit({}));
  EXPECT_TRUE(fake_.DestroySet(kSet).ok());
  EXPECT_THAT(fake_.state().sets, IsEmpty());
}

TEST_F(FakeDataplaneTest, SetUsedBySomebodyElseIsNotDestroyed) {
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  fake_.sets().Refer(kSet, 1);
  EXPECT_REFUSED(fake_.DestroySet(kSet), Unavailable);
  fake_.sets().Refer(kSet, -1);
  EXPECT_TRUE(fake_.DestroySet(kSet).ok());
}

TEST_F(FakeDataplaneTest, DestroyingWhatIsNotThereIsNoError) {
  EXPECT_TRUE(fake_.DestroySet(kSet).ok());
}

TEST_F(FakeDataplaneTest, RuleNeedsItsSetAndChain) {
  EXPECT_REFUSED(Commit({When(SetMatch{kSet})}), NotFound);
  EXPECT_REFUSED(Commit({Does(JumpAction{kB})}), NotFound);
  EXPECT_REFUSED(Commit({Does(GotoAction{kB})}), NotFound);
  EXPECT_REFUSED(fake_.CommitTable(Hooks(HookChange::kEnsure)), NotFound);
  EXPECT_THAT(Table().chains, IsEmpty());
  EXPECT_EQ(Table().hooks_found, 0);
  EXPECT_EQ(fake_.sets().references(kSet), 0);
}

TEST_F(FakeDataplaneTest, ChainsOfOneCommitReferInAnyOrder) {
  EXPECT_TRUE(
      fake_.CommitTable(Write({{kA, {Does(JumpAction{kB})}}, {kB, {}}})).ok());
}

TEST_F(FakeDataplaneTest, RuleThatCouldNeverMatchItsSetIsRefused) {
  ASSERT_DONE(fake_.CreateSet(kEndpoints, {}));
  EXPECT_REFUSED(Commit({When(SetMatch{kSet, Side::kSource, 1})}),
                 InvalidArgument);
  TableChange change = Write({{kA, {When(SetMatch{kSet, Side::kSource, 2})}}});
  EXPECT_TRUE(fake_.CommitTable(change).ok());
  change.family = Family::kIPv6;
  EXPECT_REFUSED(fake_.CommitTable(change), InvalidArgument);
}

TEST_F(FakeDataplaneTest, RulesThatNoKernelTakesAreRefused) {
  std::vector<Rule> wrong;
  wrong.push_back(When(PortsMatch{{{80, 80}}}));  // no protocol
  wrong.push_back(When(PortsMatch{{{90, 80}}}));
  wrong.back().protocol = IPPROTO_TCP;
  PortsMatch sixteen;
  for (uint16_t i = 0; i < 8; ++i)
    sixteen.ranges.push_back({uint16_t(10 * i), uint16_t(10 * i + 1)});
  wrong.push_back(When(sixteen));
  wrong.back().protocol = IPPROTO_TCP;
  wrong.push_back(When(IcmpTypeMatch{128}));
  wrong.back().protocol = IPPROTO_ICMPV6;
  wrong.push_back(When(LimitMatch{10, 0}));
  wrong.push_back(When(CtStateMatch{0}));
  wrong.push_back(When(MarkMatch{0x3, 0x1}));
  wrong.push_back(Does(LogAction{100, std::string(64, 'x')}));
  wrong.push_back(Does(AcceptAction{}));
  wrong.back().source = *IpPrefix::Parse("fd00::/8");
  wrong.push_back(Does(AcceptAction{}));
  wrong.back().destination = *IpPrefix::Parse("fd00::/8");
  wrong.push_back(Does(AcceptAction{}));
  wrong.back().comment = std::string(Rule::kMaxComment + 1, 'x');
  wrong.push_back(Does(AcceptAction{}));
  wrong.back().foreign = "-m time";
  for (const Rule& rule : wrong) {
    SCOPED_TRACE(rule.ToString(Family::kIPv4));
    EXPECT_REFUSED(Commit({rule}), InvalidArgument);
  }
  EXPECT_THAT(Table().chains, IsEmpty());
}

TEST_F(FakeDataplaneTest, FifteenMultiportSlotsAreTaken) {
  PortsMatch fifteen{{{1, 1}}};
  for (uint16_t i = 1; i < 8; ++i)
    fifteen.ranges.push_back({uint16_t(10 * i), uint16_t(10 * i + 1)});
  Rule rule = When(fifteen);
  rule.protocol = IPPROTO_SCTP;
  EXPECT_TRUE(Commit({rule}).ok());
}

TEST_F(FakeDataplaneTest, ChainNotOursOrNamedTwiceIsRefused) {
  EXPECT_REFUSED(fake_.CommitTable(Write({{ChainName("INPUT"), {}}})),
                 InvalidArgument);
  EXPECT_REFUSED(fake_.CommitTable(Delete({ChainName("cali-FORWARD")})),
                 InvalidArgument);
  TableChange twice = Write({{kA, {}}});
  twice.remove = {kA};
  EXPECT_REFUSED(fake_.CommitTable(twice), InvalidArgument);
}

TEST_F(FakeDataplaneTest, ReferencedChainIsNotDeleted) {
  ASSERT_DONE(
      fake_.CommitTable(Write({{kA, {Does(JumpAction{kB})}}, {kB, {}}})));
  EXPECT_REFUSED(fake_.CommitTable(Delete({kB})), FailedPrecondition);
  TableChange dangling = Write({{kA, {Does(GotoAction{kB})}}});
  dangling.remove = {kB};
  EXPECT_REFUSED(fake_.CommitTable(dangling), FailedPrecondition);
  EXPECT_EQ(Table().chains.at(kA), std::vector<Rule>{Does(JumpAction{kB})});
  EXPECT_TRUE(Table().chains.contains(kB));
  EXPECT_TRUE(fake_.CommitTable(Delete({kB, kA})).ok());
  EXPECT_THAT(Table().chains, IsEmpty());
}

TEST_F(FakeDataplaneTest, HookedChainIsNotDeletedUnlessUnhooked) {
  ASSERT_DONE(HookUp());
  TableChange change = Delete({ChainName(kForwardChain)});
  EXPECT_REFUSED(fake_.CommitTable(change), FailedPrecondition);
  change.hooks = HookChange::kRemove;
  EXPECT_TRUE(fake_.CommitTable(change).ok());
  EXPECT_EQ(Table().hooks_found, 0);
}

TEST_F(FakeDataplaneTest, ChainUsedBySomebodyElseIsEmptiedAndNotDeleted) {
  ASSERT_DONE(Commit({Does(AcceptAction())}));
  fake_.table(Family::kIPv4).AddForeignCaller(kA);
  EXPECT_TRUE(fake_.CommitTable(Delete({kA})).ok());
  ASSERT_THAT(Table().chains, testing::SizeIs(1));
  EXPECT_THAT(Table().chains.at(kA), IsEmpty());
  ASSERT_THAT(fake_.kept_chains(Family::kIPv4), testing::SizeIs(1));
  EXPECT_EQ(fake_.kept_chains(Family::kIPv4)[0].chain, kA);
  fake_.table(Family::kIPv4).RemoveForeignCaller(kA);
  EXPECT_TRUE(fake_.CommitTable(Delete({kA})).ok());
  EXPECT_THAT(Table().chains, IsEmpty());
  EXPECT_THAT(fake_.kept_chains(Family::kIPv4), IsEmpty());
}

TEST_F(FakeDataplaneTest, LookSeesWhatOthersDidAndNothingElse) {
  ASSERT_DONE(Commit({}));
  ASSERT_TRUE(fake_.Read({Family::kIPv4}).ok());
  ASSERT_DONE(Commit({Does(AcceptAction())}));
  EXPECT_FALSE(fake_.Look({Family::kIPv4})->tables_may_differ);
  fake_.table(Family::kIPv4).Flush(kA);
  EXPECT_TRUE(fake_.Look({Family::kIPv4})->tables_may_differ);
  EXPECT_FALSE(fake_.Look({Family::kIPv6})->tables_may_differ);
  ASSERT_DONE(Commit({Does(AcceptAction())}));
  EXPECT_TRUE(fake_.Look({Family::kIPv4})->tables_may_differ)
      << "nobody has read what else they did";
  ASSERT_TRUE(fake_.Read({Family::kIPv4}).ok());
  EXPECT_FALSE(fake_.Look({Family::kIPv4})->tables_may_differ);
}

TEST_F(FakeDataplaneTest, DeletingAChainThatIsNotThereIsNoError) {
  EXPECT_TRUE(fake_.CommitTable(Delete({kA})).ok());
}

TEST_F(FakeDataplaneTest, LoopsOfChainsAreRefused) {
  EXPECT_REFUSED(Commit({Does(JumpAction{kA})}), FailedPrecondition);
  ASSERT_DONE(
      fake_.CommitTable(Write({{kA, {}}, {kB, {Does(JumpAction{kA})}}})));
  EXPECT_REFUSED(Commit({Does(GotoAction{kB})}), FailedPrecondition);
  EXPECT_THAT(Table().chains.at(kA), IsEmpty());
}

TEST_F(FakeDataplaneTest, ChainsNestAsDeepAsTheJumpStackAndNoDeeper) {
  auto name = [](int i) { return ChainName(absl::StrCat("KUBE-NWPLCY-", i)); };
  std::vector<Chain> chains;
  for (int i = 1; i < FakeFilterTable::kMaxDepth; ++i)
    chains.push_back({name(i), {Does(JumpAction{name(i + 1)})}});
  chains.push_back({name(FakeFilterTable::kMaxDepth), {}});
  ASSERT_DONE(fake_.CommitTable(Write(chains)));
  EXPECT_REFUSED(Commit({Does(JumpAction{name(1)})}), FailedPrecondition);
  ASSERT_DONE(Commit({}));
  EXPECT_REFUSED(fake_.CommitTable(Write({{name(FakeFilterTable::kMaxDepth),
                                           {Does(GotoAction{kA})}}})),
                 FailedPrecondition);
}

TEST_F(FakeDataplaneTest, RefusedCommitChangesNothing) {
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  ASSERT_DONE(HookUp());
  ASSERT_DONE(Commit({When(SetMatch{kSet})}));
  TableChange change = Write({{kA, {}}, {kB, {Does(JumpAction{kB})}}});
  change.hooks = HookChange::kRemove;
  EXPECT_REFUSED(fake_.CommitTable(change), FailedPrecondition);
  EXPECT_EQ(Table().chains.at(kA), std::vector<Rule>{When(SetMatch{kSet})});
  EXPECT_FALSE(Table().chains.contains(kB));
  EXPECT_TRUE(Table().hooks_in_place);
  EXPECT_REFUSED(fake_.DestroySet(kSet), Unavailable);
}

TEST_F(FakeDataplaneTest, FamiliesAreSeparate) {
  TableChange change = Write({{kA, {}}});
  change.family = Family::kIPv6;
  ASSERT_DONE(fake_.CommitTable(change));
  EXPECT_THAT(Table().chains, IsEmpty());
  EXPECT_TRUE(fake_.state().table(Family::kIPv6).chains.contains(kA));
}

TEST_F(FakeDataplaneTest, ReadShowsTheAskedFamiliesOnly) {
  const SetSpec six{SetName("inet6:KUBE-SRC-X"), SetType::kHashIp,
                    Family::kIPv6};
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  ASSERT_DONE(fake_.CreateSet(six, {}));
  ASSERT_DONE(HookUp());
  const Snapshot read = *fake_.Read({Family::kIPv6});
  EXPECT_EQ(read.sets.size(), 1u);
  EXPECT_TRUE(read.sets.contains(six.name));
  EXPECT_THAT(read.table(Family::kIPv4).chains, IsEmpty());
  EXPECT_EQ(fake_.Read(kFamilies)->sets.size(), 2u);
}

TEST_F(FakeDataplaneTest, EnsureBringsDisplacedAndDoubledHooksBack) {
  ASSERT_DONE(HookUp());
  FakeFilterTable& table = fake_.table(Family::kIPv4);
  EXPECT_TRUE(Table().hooks_in_place);
  table.InsertForeignRule("INPUT", 0);
  EXPECT_FALSE(Table().hooks_in_place);
  ASSERT_DONE(table.InsertJump("FORWARD", ChainName(kForwardChain), 1));
  EXPECT_EQ(Table().hooks_found, 4);
  ASSERT_DONE(fake_.CommitTable(Hooks(HookChange::kEnsure)));
  EXPECT_TRUE(Table().hooks_in_place);
  EXPECT_EQ(Table().hooks_found, 3);
  ASSERT_DONE(fake_.CommitTable(Hooks(HookChange::kRemove)));
  EXPECT_EQ(Table().hooks_found, 0);
  EXPECT_EQ(table.foreign_rules("INPUT"), 1);
}

TEST_F(FakeDataplaneTest, OthersCanFlushDeleteAndRewriteBehindOurBack) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  ASSERT_DONE(HookUp());
  ASSERT_DONE(fake_.CommitTable(
      Write({{kA, {When(SetMatch{kSet})}}, {kB, {Does(JumpAction{kA})}}})));
  const uint64_t written = fake_.writes().total();
  FakeFilterTable& table = fake_.table(Family::kIPv4);

  fake_.sets().Flush(kSet);
  EXPECT_THAT(fake_.state().sets.at(kSet).members, IsEmpty());
  table.Delete(kA);
  EXPECT_FALSE(Table().chains.contains(kA));
  EXPECT_THAT(Table().chains.at(kB), IsEmpty());
  EXPECT_TRUE(fake_.sets().Destroy(kSet).ok());
  Rule foreign = Does(AcceptAction{});
  foreign.foreign = "-m time";
  ASSERT_DONE(table.Put({kB, {foreign}}));
  EXPECT_EQ(Table().chains.at(kB).front().foreign, "-m time");
  table.Flush(kB);
  EXPECT_THAT(Table().chains.at(kB), IsEmpty());
  table.RemoveJumps();
  EXPECT_EQ(Table().hooks_found, 0);
  table.Clear();
  EXPECT_THAT(Table().chains, IsEmpty());
  // Nothing of this was ours; DestroySet() alone sent a message.
  EXPECT_EQ(fake_.writes().total(), written + 1);
}

TEST_F(FakeDataplaneTest, ClearedTableLeavesNoReference) {
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  ASSERT_DONE(Commit({When(SetMatch{kSet})}));
  fake_.table(Family::kIPv4).Clear();
  EXPECT_TRUE(fake_.DestroySet(kSet).ok());
}

TEST_F(FakeDataplaneTest, LoadBringsBackAState) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  ASSERT_DONE(HookUp());
  ASSERT_DONE(fake_.CommitTable(
      Write({{kA, {Does(JumpAction{kB})}}, {kB, {When(SetMatch{kSet})}}})));
  FakeDataplane second;
  ASSERT_DONE(second.Load(fake_.state()));
  const Snapshot loaded = second.state();
  EXPECT_EQ(loaded.table(Family::kIPv4).chains, Table().chains);
  EXPECT_TRUE(loaded.table(Family::kIPv4).hooks_in_place);
  EXPECT_FALSE(loaded.table(Family::kIPv6).hooks_in_place);
  EXPECT_EQ(loaded.sets.at(kSet).members.size(), 1u);
  EXPECT_EQ(second.writes().total(), 0u);
  EXPECT_THAT(second.log(), IsEmpty());
  EXPECT_REFUSED(second.DestroySet(kSet), Unavailable);
}

TEST_F(FakeDataplaneTest, WritesAreCountedAndReadsAreNot) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));  // create, add
  ASSERT_DONE(fake_.AddMembers(kIps, {}));
  ASSERT_DONE(fake_.ReplaceSet(kIps, {}));  // create, swap, destroy
  ASSERT_DONE(Commit({}));
  ASSERT_DONE(fake_.CommitTable(TableChange()));
  ASSERT_TRUE(fake_.Read(kFamilies).ok());
  EXPECT_EQ(fake_.writes().set_messages, 5u);
  EXPECT_EQ(fake_.writes().table_commits, 1u);
}

TEST_F(FakeDataplaneTest, LogTellsEveryCallInOrder) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  ASSERT_DONE(Commit({}));
  EXPECT_FALSE(Commit({Does(JumpAction{kB})}).ok());
  ASSERT_EQ(fake_.log().size(), 3u);
  EXPECT_EQ(fake_.log()[0].ToString(), "CreateSet KUBE-SRC-X (1 members)");
  EXPECT_EQ(fake_.log()[1].ToString(),
            "CommitTable IPv4 (1 written, 0 removed)");
  EXPECT_THAT(fake_.log()[2].ToString(), HasSubstr("NOT_FOUND"));
  fake_.ClearLog();
  EXPECT_THAT(fake_.log(), IsEmpty());
}

TEST_F(FakeDataplaneTest, InjectedFailuresStrikeOnceAndInOrder) {
  fake_.FailNext(OperationKind::kCreateSet, absl::AbortedError("first"));
  fake_.FailNext(OperationKind::kCreateSet, absl::InternalError("second"));
  ASSERT_DONE(Commit({}));
  EXPECT_REFUSED(fake_.CreateSet(kIps, {}), Aborted);
  EXPECT_REFUSED(fake_.CreateSet(kIps, {}), Internal);
  EXPECT_THAT(fake_.state().sets, IsEmpty());
  EXPECT_TRUE(fake_.CreateSet(kIps, {}).ok());
}

TEST_F(FakeDataplaneTest, FailAlwaysLastsUntilStopped) {
  fake_.FailAlways(OperationKind::kRead, absl::UnavailableError("no"));
  EXPECT_REFUSED(fake_.Read(kFamilies).status(), Unavailable);
  EXPECT_REFUSED(fake_.Read(kFamilies).status(), Unavailable);
  fake_.StopFailing();
  EXPECT_TRUE(fake_.Read(kFamilies).ok());
}

TEST_F(FakeDataplaneTest, FailureAfterTheDeedLeavesItDone) {
  fake_.FailNext(OperationKind::kCommitTable, absl::InternalError("counters"),
                 FakeDataplane::FailurePoint::kAfter);
  EXPECT_REFUSED(Commit({}), Internal);
  EXPECT_TRUE(Table().chains.contains(kA));
  EXPECT_EQ(fake_.writes().table_commits, 1u);
}

TEST_F(FakeDataplaneTest, GateMayTamperAndRefuse) {
  ASSERT_DONE(fake_.CreateSet(kIps, {Address("10.0.0.1")}));
  fake_.set_gate([&](const Operation& operation) -> absl::Status {
    if (operation.kind == OperationKind::kDestroySet)
      return absl::UnavailableError("not now");
    fake_.sets().Flush(kSet);
    return absl::OkStatus();
  });
  EXPECT_REFUSED(fake_.DestroySet(kSet), Unavailable);
  ASSERT_DONE(fake_.AddMembers(kIps, {Address("10.0.0.2")}));
  EXPECT_THAT(fake_.state().sets.at(kSet).members,
              UnorderedElementsAre(Address("10.0.0.2")));
}

TEST_F(FakeDataplaneTest, ObserverSeesTheStateBetweenTheSteps) {
  std::vector<std::string> seen;
  fake_.set_observer([&](const Operation& operation) {
    seen.push_back(absl::StrCat(operation.result.ok() ? "ok " : "failed ",
                                fake_.state().sets.size(), " sets ",
                                Table().chains.size(), " chains"));
  });
  ASSERT_DONE(fake_.CreateSet(kIps, {}));
  ASSERT_DONE(Commit({When(SetMatch{kSet})}));
  EXPECT_FALSE(fake_.DestroySet(kSet).ok());
  EXPECT_THAT(seen, ElementsAre("ok 1 sets 0 chains", "ok 1 sets 1 chains",
                                "failed 1 sets 1 chains"));
}

}  // namespace
}  // namespace netpol
