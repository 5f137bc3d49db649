#include "netpol/enforcer/sync_log.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SyncLogTest : public testing::Test {
 protected:
  std::vector<std::string> info_, errors_, debug_;
  SyncLog log_{
      LogSinks{[this](const std::string& line) { info_.push_back(line); },
               [this](const std::string& line) { errors_.push_back(line); },
               [this](const std::string& line) { debug_.push_back(line); }}};
  absl::Time now_ = absl::FromUnixSeconds(1000);
};

SyncReport Wrote() {
  SyncReport report;
  report.members_added = 1;
  report.writes.set_messages = 1;
  return report;
}

TEST_F(SyncLogTest, SyncThatWroteIsOneLineWithItsDuration) {
  log_.OnSynced(Wrote(), absl::Microseconds(1500), now_);
  EXPECT_THAT(
      info_,
      ElementsAre("synced in 1.5 ms: 1 member added; kernel writes: 1 (set "
                  "messages 1, table commits 0)",
                  "ready"));
}

TEST_F(SyncLogTest, ReadyIsSaidOnceAndSilentSyncsAreNotLogged) {
  log_.OnSynced(SyncReport(), absl::Milliseconds(1), now_);
  log_.OnSynced(SyncReport(), absl::Milliseconds(1), now_);
  EXPECT_THAT(info_, ElementsAre("ready"));
  EXPECT_THAT(debug_, SizeIs(2));
}

TEST_F(SyncLogTest, RepairsAreTold) {
  SyncReport report = Wrote();
  report.repaired = {"IPv4 chain KUBE-ROUTER-INPUT", "set KUBE-SRC-A"};
  log_.OnSynced(report, absl::Milliseconds(1), now_);
  EXPECT_THAT(info_,
              ElementsAre(HasSubstr("synced in "),
                          HasSubstr("changed by another program, and mended: "
                                    "IPv4 chain KUBE-ROUTER-INPUT, set "
                                    "KUBE-SRC-A;"),
                          "ready"));
}

TEST_F(SyncLogTest, NotReadyWhileSomethingIsNotEnforced) {
  SyncReport report;
  report.problems = {"set KUBE-SRC-A: full"};
  log_.OnSynced(report, absl::Milliseconds(1), now_);
  EXPECT_THAT(info_, IsEmpty());
  EXPECT_THAT(errors_, ElementsAre("set KUBE-SRC-A: full"));
}

TEST_F(SyncLogTest, EqualErrorsAreLoggedOnceAMinuteWithACount) {
  const absl::Status error = absl::UnavailableError("lock is held");
  for (int second = 0; second <= 60; second += 20)
    log_.OnError(error, now_ + absl::Seconds(second));
  ASSERT_THAT(errors_, SizeIs(2));
  EXPECT_THAT(errors_[0], HasSubstr("lock is held"));
  EXPECT_THAT(errors_[1], HasSubstr("(and 2 times before)"));
}

TEST_F(SyncLogTest, OtherErrorsAreLoggedAtOnce) {
  log_.OnError(absl::UnavailableError("one"), now_);
  log_.OnError(absl::UnavailableError("two"), now_);
  EXPECT_THAT(errors_, SizeIs(2));
}

TEST_F(SyncLogTest, RecoveryIsSaidAndTheNextErrorIsLoggedAtOnce) {
  const absl::Status error = absl::UnavailableError("lock is held");
  log_.OnError(error, now_);
  log_.OnError(error, now_);
  log_.OnSynced(SyncReport(), absl::Milliseconds(1), now_);
  EXPECT_THAT(info_,
              ElementsAre("syncing works again, after 2 errors", "ready"));
  log_.OnError(error, now_);
  EXPECT_THAT(errors_, SizeIs(2));
}

TEST_F(SyncLogTest, PolicyProblemsAreNamedAndTheirEndToo) {
  log_.OnPolicyProblems({"web", "allow"}, {"spec.ingress[0]: bad port"});
  log_.OnPolicyProblems({"web", "allow"}, {});
  EXPECT_THAT(errors_, ElementsAre("NetworkPolicy web/allow: "
                                   "spec.ingress[0]: bad port"));
  EXPECT_THAT(info_, ElementsAre(HasSubstr("NetworkPolicy web/allow")));
}

}  // namespace
}  // namespace netpol
