#include "tests/kernel/take_over/killed_process.h"

#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace netpol {
namespace {

// What a child that writes "a", "b" and "c" has written when it is killed.
std::string WrittenBefore(int calls, bool* killed) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const absl::StatusOr<bool> result = RunAndKill(calls, [&]() -> absl::Status {
    if (write(ends[1], "x", 1) != 1) return absl::UnknownError("write");
    CountFromHere();
    for (const char* letter : {"a", "b", "c"}) {
      if (write(ends[1], letter, 1) != 1) return absl::UnknownError("write");
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(result.ok()) << result.status();
  *killed = result.ok() && *result;
  close(ends[1]);
  std::string text;
  for (char letter; read(ends[0], &letter, 1) == 1;) text += letter;
  close(ends[0]);
  return text;
}

TEST(KilledProcessTest, DiesJustBeforeTheCall) {
  bool killed = false;
  EXPECT_EQ(WrittenBefore(0, &killed), "x");
  EXPECT_TRUE(killed);
  EXPECT_EQ(WrittenBefore(2, &killed), "xab");
  EXPECT_TRUE(killed);
}

TEST(KilledProcessTest, EndsByItselfBeforeSoManyCalls) {
  bool killed = true;
  EXPECT_EQ(WrittenBefore(3, &killed), "xabc");
  EXPECT_FALSE(killed);
}

TEST(KilledProcessTest, FailureIsTold) {
  EXPECT_FALSE(RunAndKill(0, [] { return absl::UnknownError("no"); }).ok());
}

}  // namespace
}  // namespace netpol
