#include "netpol/enforcer/node_warning.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(NodeWarningTest, PodsOfWhichNoneIsHereAreSuspicious) {
  ControllerCounts counts;
  EXPECT_FALSE(NodeWarning(counts, "node-a").has_value());
  counts.pods = 3;
  ASSERT_TRUE(NodeWarning(counts, "node-a").has_value());
  EXPECT_THAT(*NodeWarning(counts, "node-a"),
              HasSubstr("none of the 3 pods is on node node-a"));
  counts.local_pods = 1;
  EXPECT_FALSE(NodeWarning(counts, "node-a").has_value());
}

TEST(LastingWarningsTest, AreToldWhenTheyBeginAndNowAndThen) {
  LastingWarnings warnings(absl::Hours(1));
  const absl::Time start = absl::UnixEpoch();
  EXPECT_THAT(warnings.Due({"a", "b"}, start), ElementsAre("a", "b"));
  EXPECT_THAT(warnings.Due({"a", "b"}, start + absl::Minutes(59)), IsEmpty());
  EXPECT_THAT(warnings.Due({"a", "b", "c"}, start + absl::Minutes(60)),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(warnings.Due({"a"}, start + absl::Minutes(90)), IsEmpty());
}

TEST(LastingWarningsTest, OneThatEndedIsNewsWhenItComesBack) {
  LastingWarnings warnings(absl::Hours(1));
  const absl::Time start = absl::UnixEpoch();
  EXPECT_THAT(warnings.Due({"a"}, start), ElementsAre("a"));
  EXPECT_THAT(warnings.Due({}, start + absl::Minutes(1)), IsEmpty());
  EXPECT_THAT(warnings.Due({"a"}, start + absl::Minutes(2)), ElementsAre("a"));
}

}  // namespace
}  // namespace netpol
