#include "netpol/enforcer/health.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

absl::Time Ago(int seconds) { return kNow - absl::Seconds(seconds); }

FollowedKind Following(v1::WatchEvent::Kind kind) {
  FollowedKind followed;
  followed.kind = kind;
  followed.phase = FollowedKind::Phase::kFollowing;
  followed.listed = true;
  followed.last_heard = Ago(2);
  return followed;
}

// Of an enforcer that has run well for an hour.
EnforcerState Sound() {
  EnforcerState state;
  state.node_name = "node-a";
  state.started = Ago(3600);
  state.sync_period = absl::Minutes(5);
  state.last_beat = Ago(1);
  state.kernel_open = true;
  state.loop.synced_once = true;
  state.loop.last_success = Ago(30);
  state.followed = {Following(v1::WatchEvent::NAMESPACE),
                    Following(v1::WatchEvent::POD),
                    Following(v1::WatchEvent::NETWORK_POLICY)};
  return state;
}

// Of one that was started `seconds` ago and waits.
EnforcerState Waiting(int seconds) {
  EnforcerState state = Sound();
  state.started = Ago(seconds);
  state.loop = LoopHealth();
  state.loop.waiting_for = "still to be listed: pods";
  state.loop.waiting_since = Ago(seconds);
  return state;
}

HealthVerdict JudgeNow(const EnforcerState& state) {
  return JudgeHealth(state, kNow);
}

TEST(HealthTest, SoundStateHasNothingToSay) {
  const HealthVerdict verdict = JudgeNow(Sound());
  EXPECT_TRUE(verdict.alive);
  EXPECT_TRUE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons, IsEmpty());
}

TEST(HealthTest, ThreadsThatHangAreDeadAndUnhealthyButReady) {
  EnforcerState state = Sound();
  state.last_beat = Ago(60);
  EXPECT_TRUE(JudgeNow(state).alive);
  state.last_beat = Ago(61);
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.alive);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(AllOf(HasSubstr("for 1m1s"), HasSubstr("start"))));
}

TEST(HealthTest, BeforeTheFirstBeatTheStartCounts) {
  EnforcerState state = Waiting(59);
  state.last_beat = absl::InfinitePast();
  EXPECT_TRUE(JudgeNow(state).alive);
  state.started = Ago(61);
  EXPECT_FALSE(JudgeNow(state).alive);
}

TEST(HealthTest, ClockThatWasSetBackIsNoTrouble) {
  EnforcerState state = Sound();
  state.last_beat = state.loop.last_success = Ago(-500);
  state.loop.oldest_pending = Ago(-400);
  EXPECT_TRUE(JudgeNow(state).alive);
  EXPECT_TRUE(JudgeNow(state).healthy);
}

TEST(HealthTest, KernelThatIsNotOpenIsToldSinceWhen) {
  EnforcerState state = Waiting(192);
  state.kernel_open = false;
  state.loop = LoopHealth();
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.alive);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_FALSE(verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(AllOf(HasSubstr("cannot be opened, for 3m12s"),
                                HasSubstr("netpolctl check"))));
}

TEST(HealthTest, EachThingThatTheKernelLacksIsAReason) {
  EnforcerState state = Sound();
  state.kernel_problems = {"no sets: load ip_set", "no marks: load xt_mark"};
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_EQ(verdict.reasons, state.kernel_problems);
}

TEST(HealthTest, OldRulesThatCannotBeRemovedAreTroubleAndNeverUnready) {
  EnforcerState state = Sound();
  state.leftovers = "the lock of the legacy tables is held by process 7";
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(AllOf(HasSubstr("earlier enforcement"),
                                HasSubstr("process 7"))));
}

TEST(HealthTest, FailedSyncIsToldWithTheLastGoodOne) {
  EnforcerState state = Sound();
  state.loop.last_error = absl::UnavailableError("the lock is held");
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons, ElementsAre(AllOf(HasSubstr("30s ago"),
                                                 HasSubstr("the lock is held"),
                                                 HasSubstr("stays"))));
  state = Waiting(10);
  state.loop.waiting_for.clear();
  state.loop.last_error = absl::UnavailableError("the lock is held");
  EXPECT_THAT(JudgeNow(state).reasons, ElementsAre(HasSubstr("never")));
  EXPECT_FALSE(JudgeNow(state).healthy);
}

TEST(HealthTest, ReadingThatIsOverdueIsTrouble) {
  EnforcerState state = Sound();
  state.loop.last_success = Ago(330);
  EXPECT_TRUE(JudgeNow(state).healthy);
  state.loop.last_success = Ago(331);
  EXPECT_FALSE(JudgeNow(state).healthy);
  EXPECT_THAT(
      JudgeNow(state).reasons,
      ElementsAre(AllOf(HasSubstr("5m31s ago"), HasSubstr("every 5m"))));
}

TEST(HealthTest, ChangeMayWaitAsLongAsTheLimitSays) {
  EnforcerState state = Sound();
  state.loop.pending = 12;
  state.loop.oldest_pending = Ago(30);
  EXPECT_THAT(JudgeNow(state).reasons, IsEmpty());
  state.loop.oldest_pending = Ago(31);
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons, ElementsAre(AllOf(StartsWith("12 changes"),
                                                 HasSubstr("for 31s"))));
  HealthLimits patient;
  patient.pending = absl::Minutes(2);
  EXPECT_TRUE(JudgeHealth(state, kNow, patient).healthy);
}

TEST(HealthTest, WaitingForObjectsIsANoteUntilItTakesTooLong) {
  EnforcerState state = Waiting(60);
  // What was listed already waits for the rest, which is no second reason.
  state.loop.oldest_pending = Ago(50);
  HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.healthy);
  EXPECT_FALSE(verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(AllOf(StartsWith("note: "), HasSubstr("for 1m"),
                                HasSubstr("still to be listed: pods"))));
  state.loop.waiting_since = Ago(61);
  verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_THAT(verdict.reasons, ElementsAre(Not(StartsWith("note: "))));
}

TEST(HealthTest, WaitingOfUnknownBeginBeganAtTheStart) {
  EnforcerState state = Waiting(61);
  state.loop.waiting_since = absl::InfiniteFuture();
  EXPECT_FALSE(JudgeNow(state).healthy);
  state.started = Ago(59);
  EXPECT_TRUE(JudgeNow(state).healthy);
}

TEST(HealthTest, FirstSyncThatDoesNotComeIsTrouble) {
  EnforcerState state = Waiting(90);
  state.loop.waiting_for.clear();
  EXPECT_TRUE(JudgeNow(state).healthy);
  EXPECT_FALSE(JudgeNow(state).ready);
  EXPECT_THAT(JudgeNow(state).reasons, ElementsAre(StartsWith("note: ")));
  state.started = Ago(91);
  EXPECT_FALSE(JudgeNow(state).healthy);
}

TEST(HealthTest, OutageOfTheServerIsANoteThenTroubleAndNeverUnready) {
  EnforcerState state = Sound();
  for (FollowedKind& kind : state.followed) {
    kind.failing_since = Ago(60);
    kind.error = "connection refused by 10.0.0.1:6443";
  }
  HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.healthy);
  EXPECT_THAT(verdict.reasons, ElementsAre(StartsWith("note: ")));
  for (FollowedKind& kind : state.followed) kind.failing_since = Ago(192);
  verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_TRUE(verdict.alive);
  EXPECT_THAT(
      verdict.reasons,
      ElementsAre(AllOf(HasSubstr("namespaces, pods, network policies"),
                        HasSubstr("for 3m12s"), HasSubstr("connection refused"),
                        HasSubstr("stays enforced"))));
}

TEST(HealthTest, KindThatWasNeverListedIsTroubleAtOnce) {
  EnforcerState state = Waiting(5);
  state.followed[1].listed = false;
  state.followed[1].failing_since = Ago(1);
  state.followed[1].error = "pods is forbidden: grant list";
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_FALSE(verdict.healthy);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(StartsWith("note: "),
                          AllOf(StartsWith("pods cannot be listed"),
                                HasSubstr("grant list"))));
}

TEST(HealthTest, KindsWithReasonsOfTheirOwnAreToldApart) {
  EnforcerState state = Sound();
  state.followed[0].failing_since = Ago(10);
  state.followed[0].error = "gone";
  state.followed[1].failing_since = Ago(100);
  state.followed[1].error = "gone";
  state.followed[2].failing_since = Ago(100);
  state.followed[2].error = "forbidden";
  EXPECT_THAT(JudgeNow(state).reasons,
              ElementsAre(StartsWith("note: namespaces cannot be followed"),
                          StartsWith("pods cannot be followed"),
                          StartsWith("network policies cannot be followed")));
}

TEST(HealthTest, SourceThatCannotBeReadHasTheSameTime) {
  EnforcerState state = Sound();
  state.source_error = "/manifests is gone";
  state.source_failing_since = Ago(60);
  EXPECT_TRUE(JudgeNow(state).healthy);
  state.source_failing_since = Ago(61);
  EXPECT_FALSE(JudgeNow(state).healthy);
  EXPECT_THAT(JudgeNow(state).reasons,
              ElementsAre(AllOf(HasSubstr("for 1m1s"),
                                HasSubstr("/manifests is gone"))));
  state = Waiting(5);
  state.source_error = "/manifests is gone";
  state.source_failing_since = Ago(1);
  EXPECT_FALSE(JudgeNow(state).healthy);
}

TEST(HealthTest, WhatCostsOnlyItselfIsANote) {
  EnforcerState state = Sound();
  state.loop.policies_in_error = 1;
  state.source_problems = 2;
  state.loop.node_problems = {"pod a/b claims 10.0.0.1"};
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.healthy);
  EXPECT_TRUE(verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre(StartsWith("note: 1 network policy has problems"),
                          StartsWith("note: 2 objects or files"),
                          "note: pod a/b claims 10.0.0.1"));
}

TEST(HealthTest, TimeAloneMakesNoOtherVerdict) {
  EnforcerState state = Sound();
  state.loop.pending = 3;
  state.loop.oldest_pending = Ago(100);
  state.loop.last_error = absl::UnavailableError("the lock is held");
  state.followed[0].failing_since = Ago(100);
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_THAT(verdict.causes, SizeIs(verdict.reasons.size()));
  HealthVerdict later = JudgeHealth(state, kNow + absl::Seconds(20));
  EXPECT_NE(later.reasons, verdict.reasons);
  EXPECT_EQ(later, verdict);
  state.loop.last_error = absl::UnavailableError("no memory");
  EXPECT_FALSE(JudgeNow(state) == verdict);
  state.loop.last_error = absl::OkStatus();
  EXPECT_FALSE(JudgeNow(state) == verdict);
}

EnforcerState Disabled() {
  EnforcerState state;
  state.started = Ago(3600);
  state.last_beat = Ago(1);
  state.disabled = true;
  return state;
}

TEST(HealthTest, ADisabledOneIsReadyWhenNothingOfOursIsLeft) {
  EnforcerState state = Disabled();
  HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.alive && verdict.healthy);
  EXPECT_FALSE(verdict.ready);
  state.cleaned = true;
  verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.alive && verdict.healthy && verdict.ready);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("note: disabled")));
}

TEST(HealthTest, ADisabledOneThatCannotCleanUpIsUnhealthy) {
  EnforcerState state = Disabled();
  state.kernel_problems = {"set A: still in use"};
  const HealthVerdict verdict = JudgeNow(state);
  EXPECT_TRUE(verdict.alive);
  EXPECT_FALSE(verdict.healthy || verdict.ready);
  EXPECT_THAT(verdict.reasons,
              ElementsAre("set A: still in use", HasSubstr("note: disabled")));
}

TEST(HealthTest, ADisabledOneThatHangsIsNotAlive) {
  EnforcerState state = Disabled();
  state.cleaned = true;
  state.last_beat = Ago(600);
  EXPECT_FALSE(JudgeNow(state).alive);
}

}  // namespace
}  // namespace netpol
