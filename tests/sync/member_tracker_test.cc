#include "netpol/sync/member_tracker.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SetMember Member(int number) {
  return SetMember::Address(
      IpAddress{Family::kIPv4, absl::uint128(0x0a000000) + number});
}

std::vector<SetMember> Without(const std::set<SetMember>& all,
                               const std::set<SetMember>& those) {
  std::vector<SetMember> rest;
  std::set_difference(all.begin(), all.end(), those.begin(), those.end(),
                      std::back_inserter(rest));
  return rest;
}

TEST(MemberTrackerTest, NewTrackerIsInStep) {
  const MemberTracker tracker;
  EXPECT_TRUE(tracker.in_step());
  EXPECT_EQ(tracker.wanted_count(), 0u);
  EXPECT_THAT(tracker.Wanted(), IsEmpty());
}

TEST(MemberTrackerTest, MissingAndSurplusAreSorted) {
  MemberTracker tracker;
  for (int i : {3, 1, 2}) tracker.SetWanted(Member(i), true);
  for (int i : {9, 3, 7}) tracker.SetObserved(Member(i), true);
  EXPECT_THAT(tracker.Missing(), ElementsAre(Member(1), Member(2)));
  EXPECT_THAT(tracker.Surplus(), ElementsAre(Member(7), Member(9)));
  EXPECT_FALSE(tracker.in_step());
}

TEST(MemberTrackerTest, OnlyTheLastListIsWanted) {
  MemberTracker tracker;
  tracker.SetWanted(Member(1), true);
  const std::vector<SetMember> list = {Member(3), Member(2), Member(3)};
  tracker.WantOnly(list);
  EXPECT_THAT(tracker.Wanted(), ElementsAre(Member(2), Member(3)));
  EXPECT_EQ(tracker.wanted_count(), 2u);
}

TEST(MemberTrackerTest, AnySequenceGivesTheDifferenceOfTheTwo) {
  Random random(6);
  MemberTracker tracker;
  std::set<SetMember> wanted;
  std::set<SetMember> observed;
  const auto put = [](std::set<SetMember>& set, const SetMember& m, bool on) {
    on ? static_cast<void>(set.insert(m)) : static_cast<void>(set.erase(m));
  };
  for (int step = 0; step < 20000; ++step) {
    const SetMember member = Member(random.Between(0, 7));
    const bool on = random.Chance(50);
    const int kind = random.Between(0, 100);
    if (kind < 48) {
      tracker.SetWanted(member, on);
      put(wanted, member, on);
    } else if (kind < 96) {
      tracker.SetObserved(member, on);
      put(observed, member, on);
    } else if (kind < 98) {
      tracker.WantNothing();
      wanted.clear();
    } else if (kind < 99) {
      tracker.ForgetObserved();
      observed.clear();
    } else {
      tracker.WantOnly({member});
      wanted = {member};
    }
    ASSERT_EQ(tracker.Missing(), Without(wanted, observed));
    ASSERT_EQ(tracker.Surplus(), Without(observed, wanted));
    ASSERT_EQ(tracker.Wanted(), Without(wanted, {}));
    ASSERT_EQ(tracker.Observed(), Without(observed, {}));
    ASSERT_EQ(tracker.wanted_count(), wanted.size());
    ASSERT_EQ(tracker.in_step(), wanted == observed);
  }
}

}  // namespace
}  // namespace netpol
