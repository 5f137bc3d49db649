#include "bench/engine/arrival_log.h"

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::Time At(int64_t milliseconds) {
  return absl::UnixEpoch() + absl::Milliseconds(milliseconds);
}

TEST(ArrivalLogTest, AnEventHasArrivedWithTheSyncAfterItWasTaken) {
  ArrivalLog log;
  log.Posting(At(10));
  log.Posting(At(20));
  log.Taken();
  EXPECT_THAT(log.delays(), IsEmpty());
  log.Synced(At(25));
  EXPECT_THAT(log.delays(), ElementsAre(absl::Milliseconds(15)));
  log.Synced(At(30));
  EXPECT_EQ(log.delays().size(), 1u) << "the second was not taken yet";
  log.Taken();
  log.Synced(At(40));
  EXPECT_THAT(log.delays(),
              ElementsAre(absl::Milliseconds(15), absl::Milliseconds(20)));
}

}  // namespace
}  // namespace netpol
