#include "netpol/sync/edit_script.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::Each;
using testing::ElementsAre;

// What `script` makes of `from`, when it inserts from `to`.
std::vector<int> Follow(const std::vector<Edit>& script,
                        const std::vector<int>& from,
                        const std::vector<int>& to) {
  std::vector<int> result;
  size_t read = 0;
  for (const Edit edit : script) {
    if (edit == Edit::kDelete) {
      ++read;
    } else if (edit == Edit::kInsert) {
      result.push_back(to[result.size()]);
    } else {
      result.push_back(from[read++]);
    }
  }
  EXPECT_EQ(read, from.size());
  return result;
}

int Kept(const std::vector<Edit>& script) {
  return std::count(script.begin(), script.end(), Edit::kKeep);
}

TEST(EditScriptTest, EqualSequencesAreKept) {
  EXPECT_THAT(EditScript({1, 2, 2}, {1, 2, 2}), Each(Edit::kKeep));
  EXPECT_TRUE(EditScript({}, {}).empty());
}

TEST(EditScriptTest, OneInsertedElementLeavesTheRest) {
  EXPECT_THAT(EditScript({1, 3}, {1, 2, 3}),
              ElementsAre(Edit::kKeep, Edit::kInsert, Edit::kKeep));
}

TEST(EditScriptTest, OneDeletedElementLeavesTheRest) {
  EXPECT_THAT(EditScript({1, 2, 3}, {1, 3}),
              ElementsAre(Edit::kKeep, Edit::kDelete, Edit::kKeep));
}

TEST(EditScriptTest, RepeatedElementsDoNotOverlapAtTheEnds) {
  EXPECT_EQ(Follow(EditScript({5, 5}, {5}), {5, 5}, {5}),
            std::vector<int>({5}));
  EXPECT_EQ(Kept(EditScript({5, 5}, {5})), 1);
}

TEST(EditScriptTest, KeepsAUnchangedMiddleBetweenTwoChanges) {
  EXPECT_EQ(Kept(EditScript({1, 2, 3, 4, 5}, {9, 2, 3, 4, 8})), 3);
}

TEST(EditScriptTest, AlwaysArrivesAtTheGoal) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<int> from(random() % 12);
    std::vector<int> to(random() % 12);
    for (int& x : from) x = random() % 5;
    for (int& x : to) x = random() % 5;
    EXPECT_EQ(Follow(EditScript(from, to), from, to), to);
  }
}

int MostThatCanBeKept(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<std::vector<int>> best(a.size() + 1,
                                     std::vector<int>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      best[i][j] = a[i - 1] == b[j - 1]
                       ? best[i - 1][j - 1] + 1
                       : std::max(best[i - 1][j], best[i][j - 1]);
    }
  }
  return best[a.size()][b.size()];
}

TEST(EditScriptTest, KeepsTheMostThatCanBeKept) {
  std::mt19937 random(8);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int> from(random() % 10);
    std::vector<int> to(random() % 10);
    for (int& x : from) x = random() % 4;
    for (int& x : to) x = random() % 4;
    const std::vector<Edit> script = EditScript(from, to);
    ASSERT_EQ(Follow(script, from, to), to) << "round " << round;
    ASSERT_EQ(Kept(script), MostThatCanBeKept(from, to)) << "round " << round;
  }
}

TEST(EditScriptTest, AHugeMiddleIsReplacedButItsEndsAreKept) {
  std::vector<int> from(3000);
  std::vector<int> to(3000);
  for (int i = 0; i < 3000; ++i) {
    from[i] = i;
    to[i] = i + 100000;
  }
  from[0] = to[0] = -1;
  from[2999] = to[2999] = -2;
  const std::vector<Edit> script = EditScript(from, to);
  EXPECT_EQ(Kept(script), 2);
  EXPECT_EQ(Follow(script, from, to), to);
}

}  // namespace
}  // namespace netpol
