#include "bench/yardstick/command.h"

#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;

TEST(CommandTest, FeedsAProgramAndHearsItOut) {
  // More than a pipe holds.
  const std::string text(1 << 20, 'x');
  const absl::StatusOr<std::string> out = OutputOf({"/bin/cat"}, text);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(*out, text);
}

TEST(CommandTest, AnExitCodeIsAResultAndAnErrorOfOutputOf) {
  const absl::StatusOr<CommandResult> result =
      RunCommand({"/bin/sh", "-c", "echo why >&2; exit 3"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->err, "why\n");
  EXPECT_THAT(std::string(OutputOf({"/bin/sh", "-c", "echo why >&2; exit 3"})
                              .status()
                              .message()),
              HasSubstr("ended with 3: why"));
}

TEST(CommandTest, AProgramThatIsNotThereIsAnError) {
  EXPECT_THAT(std::string(RunCommand({"/no/such/program"}).status().message()),
              HasSubstr("/no/such/program"));
}

TEST(CommandTest, IsStoppedWhenItHasUsedItsCpuTime) {
  EXPECT_EQ(
      RunCommand({"/bin/sh", "-c", "while :; do :; done"}, "", absl::Seconds(1))
          .status()
          .code(),
      absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace netpol
