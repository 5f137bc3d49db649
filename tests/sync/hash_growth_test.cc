#include "netpol/sync/hash_growth.h"

#include "gtest/gtest.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

TEST(HashGrowthTest, SetIsRebuiltBeyondTwoMembersForEachBucket) {
  EXPECT_FALSE(BetterRebuilt(64, 128));
  EXPECT_TRUE(BetterRebuilt(64, 129));
  EXPECT_FALSE(BetterRebuilt(16384, 32768));
}

TEST(HashGrowthTest, OneDoublingIsCheaperThanManyMembers) {
  EXPECT_TRUE(BetterRebuilt(8192, 32768));
  EXPECT_FALSE(BetterRebuilt(16384, 32769));
  // Two are not: 60,000 members need 32,768 buckets.
  EXPECT_TRUE(BetterRebuilt(8192, 60000));
  EXPECT_FALSE(BetterRebuilt(8192, 65537 + 32768));
}

TEST(HashGrowthTest, RebuiltSetHasRoomToDoubleAtLeast) {
  for (size_t members = 1; members <= 70000; ++members)
    ASSERT_FALSE(BetterRebuilt(HashSizeFor(members), 2 * members)) << members;
}

TEST(HashGrowthTest, SetThatWasFilledInPlaceIsTakenForDoubled) {
  EXPECT_EQ(HashSizeGrown(16384, 32768), 16384u);
  EXPECT_EQ(HashSizeGrown(16384, 32769), 32768u);
  EXPECT_EQ(HashSizeGrown(64, 1000), 512u);
}

}  // namespace
}  // namespace netpol
