#include "netpol/base/shared_value.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace netpol {
namespace {

using Text = SharedValue<std::string>;

TEST(SharedValueTest, NothingIsTheDefaultValue) {
  EXPECT_EQ(*Text(), "");
  EXPECT_EQ(Text(), Text(""));
  EXPECT_NE(Text(), Text("a"));
  EXPECT_NE(Text("a"), Text());
}

TEST(SharedValueTest, IsComparedByValue) {
  EXPECT_EQ(Text("a"), Text("a"));
  EXPECT_NE(Text("a"), Text("b"));
  EXPECT_EQ(absl::Hash<Text>()(Text("a")), absl::Hash<Text>()(Text("a")));
}

TEST(SharedValueTest, CopiesAreTheSameObject) {
  const Text a("a");
  EXPECT_TRUE(a.is_last());
  const Text copy = a;
  EXPECT_EQ(&*a, &*copy);
  EXPECT_FALSE(a.is_last());
}

TEST(SharedPoolTest, EqualValuesBecomeOneObject) {
  SharedPool<std::string> pool;
  const Text a = pool.Share(Text("a"));
  const Text again = pool.Share(Text("a"));
  const Text b = pool.Share(Text("b"));
  EXPECT_EQ(&*a, &*again);
  EXPECT_NE(&*a, &*b);
  EXPECT_EQ(pool.size(), 2u);
  EXPECT_EQ(*pool.Share(Text()), "");
  EXPECT_EQ(pool.size(), 2u);
}

TEST(SharedPoolTest, WhatNobodyHoldsDoesNotStay) {
  SharedPool<std::string> pool;
  const Text kept = pool.Share(Text("kept"));
  for (int i = 0; i < 10000; ++i) pool.Share(Text(std::to_string(i)));
  EXPECT_LT(pool.size(), 200u);
  EXPECT_EQ(&*pool.Share(Text("kept")), &*kept);
}

TEST(SharedPoolTest, WhatIsHeldStays) {
  SharedPool<std::string> pool;
  std::vector<Text> held;
  for (int i = 0; i < 1000; ++i)
    held.push_back(pool.Share(Text(std::to_string(i))));
  EXPECT_EQ(pool.size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(&*pool.Share(Text(std::to_string(i))), &*held[i]);
}

}  // namespace
}  // namespace netpol
