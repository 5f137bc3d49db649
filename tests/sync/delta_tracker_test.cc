#include "netpol/sync/delta_tracker.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Tracker = DeltaTracker<int, std::string>;

std::vector<int> Dirty(const Tracker& tracker) {
  return {tracker.dirty().begin(), tracker.dirty().end()};
}

TEST(DeltaTrackerTest, WantedAndNotObservedIsDirty) {
  Tracker tracker;
  tracker.Want(1, "a");
  EXPECT_THAT(Dirty(tracker), ElementsAre(1));
  ASSERT_NE(tracker.Wanted(1), nullptr);
  EXPECT_EQ(*tracker.Wanted(1), "a");
  EXPECT_EQ(tracker.Observed(1), nullptr);
}

TEST(DeltaTrackerTest, ObservedAndNotWantedIsDirty) {
  Tracker tracker;
  tracker.Observe(1, "a");
  EXPECT_THAT(Dirty(tracker), ElementsAre(1));
  EXPECT_EQ(tracker.Wanted(1), nullptr);
  ASSERT_NE(tracker.Observed(1), nullptr);
}

TEST(DeltaTrackerTest, AgreementIsCleanInEitherOrder) {
  Tracker tracker;
  tracker.Want(1, "a");
  tracker.Observe(1, "a");
  tracker.Observe(2, "b");
  tracker.Want(2, "b");
  EXPECT_THAT(Dirty(tracker), IsEmpty());
  EXPECT_EQ(*tracker.Wanted(2), "b");
  EXPECT_EQ(*tracker.Observed(1), "a");
}

TEST(DeltaTrackerTest, WishThatReturnsToWhatIsThereIsClean) {
  Tracker tracker;
  tracker.Observe(1, "a");
  tracker.Want(1, "b");
  EXPECT_THAT(Dirty(tracker), ElementsAre(1));
  tracker.Want(1, "a");
  EXPECT_THAT(Dirty(tracker), IsEmpty());
}

TEST(DeltaTrackerTest, WishThatWasNeverMetLeavesNoTrace) {
  Tracker tracker;
  tracker.Want(1, "a");
  tracker.Unwant(1);
  tracker.Unwant(2);
  EXPECT_THAT(Dirty(tracker), IsEmpty());
  EXPECT_EQ(tracker.Wanted(1), nullptr);
}

TEST(DeltaTrackerTest, BothSidesCanBeWalked) {
  Tracker tracker;
  tracker.Want(1, "wanted");
  tracker.Observe(2, "there");
  tracker.Want(3, "both");
  tracker.Observe(3, "both");
  tracker.Want(4, "new");
  tracker.Observe(4, "old");
  std::map<int, std::string> wanted, observed;
  tracker.ForEachWanted(
      [&](int key, const std::string& value) { wanted[key] = value; });
  tracker.ForEachObserved(
      [&](int key, const std::string& value) { observed[key] = value; });
  EXPECT_EQ(wanted, (std::map<int, std::string>{
                        {1, "wanted"}, {3, "both"}, {4, "new"}}));
  EXPECT_EQ(observed, (std::map<int, std::string>{
                          {2, "there"}, {3, "both"}, {4, "old"}}));
}

TEST(DeltaTrackerTest, ForgettingKeepsTheWishes) {
  Tracker tracker;
  tracker.Want(1, "a");
  tracker.Confirm(1);
  tracker.Observe(2, "gone");
  tracker.ForgetObserved();
  EXPECT_THAT(Dirty(tracker), ElementsAre(1));
  EXPECT_EQ(*tracker.Wanted(1), "a");
  EXPECT_EQ(tracker.Observed(2), nullptr);
}

// ---- Against two plain maps.

struct Model {
  std::map<int, std::string> wanted;
  std::map<int, std::string> observed;

  std::vector<int> Dirty() const {
    std::vector<int> dirty;
    for (int key = 0; key < 6; ++key) {
      const auto w = wanted.find(key);
      const auto o = observed.find(key);
      const bool same = (w == wanted.end()) == (o == observed.end()) &&
                        (w == wanted.end() || w->second == o->second);
      if (!same) dirty.push_back(key);
    }
    return dirty;
  }
};

void Step(Random& random, Tracker& tracker, Model& model) {
  const int key = random.Between(0, 5);
  const std::string value(1, static_cast<char>('a' + random.Between(0, 1)));
  switch (random.Between(0, 8)) {
    case 0:
    case 1:
    case 2:
      tracker.Want(key, value);
      model.wanted[key] = value;
      return;
    case 3:
      tracker.Unwant(key);
      model.wanted.erase(key);
      return;
    case 4:
    case 5:
      tracker.Observe(key, value);
      model.observed[key] = value;
      return;
    case 6:
    case 7:
      tracker.Confirm(key);
      if (model.wanted.count(key) > 0) {
        model.observed[key] = model.wanted[key];
      } else {
        model.observed.erase(key);
      }
      return;
    default:
      if (!random.Chance(20)) return;
      tracker.ForgetObserved();
      model.observed.clear();
  }
}

TEST(DeltaTrackerTest, AnySequenceGivesTheDifferenceOfTheTwo) {
  Random random(5);
  Tracker tracker;
  Model model;
  for (int step = 0; step < 20000; ++step) {
    Step(random, tracker, model);
    ASSERT_EQ(Dirty(tracker), model.Dirty()) << "step " << step;
    for (int key = 0; key < 6; ++key) {
      const std::string* wanted = tracker.Wanted(key);
      const std::string* observed = tracker.Observed(key);
      ASSERT_EQ(wanted != nullptr, model.wanted.count(key) > 0);
      ASSERT_EQ(observed != nullptr, model.observed.count(key) > 0);
      if (wanted != nullptr) {
        ASSERT_EQ(*wanted, model.wanted[key]);
      }
      if (observed != nullptr) {
        ASSERT_EQ(*observed, model.observed[key]);
      }
    }
    std::map<int, std::string> all;
    tracker.ForEachWanted(
        [&](int key, const std::string& value) { all[key] = value; });
    ASSERT_EQ(all, model.wanted);
  }
}

}  // namespace
}  // namespace netpol
