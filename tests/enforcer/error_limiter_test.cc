#include "netpol/enforcer/error_limiter.h"

#include "gtest/gtest.h"

namespace netpol {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(ErrorLimiterTest, EachTextComesOnceInAnIntervalAndThenWithItsCount) {
  ErrorLimiter limiter(absl::Minutes(1));
  EXPECT_EQ(limiter.Admit("a", kStart), "a");
  EXPECT_EQ(limiter.Admit("a", kStart + absl::Seconds(59)), absl::nullopt);
  EXPECT_EQ(limiter.Admit("b", kStart + absl::Seconds(59)), "b");
  EXPECT_EQ(limiter.Admit("a", kStart + absl::Seconds(60)),
            "a (and 1 times before)");
}

TEST(ErrorLimiterTest, ClearedItStartsAnewAndSaysHowManyCame) {
  ErrorLimiter limiter(absl::Minutes(1));
  limiter.Admit("a", kStart);
  limiter.Admit("a", kStart);
  EXPECT_EQ(limiter.Clear(), 2);
  EXPECT_EQ(limiter.Admit("a", kStart), "a");
  EXPECT_EQ(limiter.Clear(), 1);
}

TEST(ErrorLimiterTest, CountIsKeptForALongTimeButNotForEver) {
  ErrorLimiter limiter(absl::Minutes(1));
  for (const char* text : {"a", "a", "b", "b"}) limiter.Admit(text, kStart);
  limiter.Admit("new", kStart + absl::Minutes(59));
  EXPECT_EQ(limiter.Admit("a", kStart + absl::Minutes(59)),
            "a (and 1 times before)");
  limiter.Admit("newer", kStart + absl::Minutes(60));
  EXPECT_EQ(limiter.Admit("b", kStart + absl::Minutes(60)), "b");
}

}  // namespace
}  // namespace netpol
