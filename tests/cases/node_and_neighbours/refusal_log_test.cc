// What is logged of refused packets (C093).
#include "tests/cases/node_and_neighbours/refusal_log.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class RefusalLogTest : public NeighbourNodeTest {
 protected:
  void SetUp() override {
    NeighbourNodeTest::SetUp();
    if (IsSkipped()) return;
    OnNode([this] {
      absl::StatusOr<std::unique_ptr<RefusalLog>> log = RefusalLog::Open(100);
      ASSERT_TRUE(log.ok()) << log.status();
      log_ = *std::move(log);
    });
    ASSERT_NE(log_, nullptr);
  }

  // What was logged while `checks` were made.
  std::vector<LoggedPacket> LoggedBy(const std::vector<CaseCheck>& checks) {
    ExpectVerdicts(checks);
    const absl::StatusOr<std::vector<LoggedPacket>> packets = log_->Take();
    EXPECT_TRUE(packets.ok()) << packets.status();
    return packets.ok() ? *packets : std::vector<LoggedPacket>();
  }

  std::unique_ptr<RefusalLog> log_;
};

TEST_F(RefusalLogTest, OnlyTheFinalRefusalIsLoggedAndNamesThePod) {
  StartController();
  const Case told = ReadIt("C093");
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
  Settle();
  const std::vector<CaseCheck>& checks = told.steps[0].checks;
  ASSERT_EQ(checks.size(), 2u);
  ASSERT_TRUE(checks[0].allowed);
  // Policy a, which is asked first, does not allow it.
  EXPECT_THAT(LoggedBy({checks[0]}), IsEmpty());
  const std::vector<LoggedPacket> refused = LoggedBy({checks[1]});
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].source.ToString(), "203.0.113.1");
  EXPECT_EQ(refused[0].destination.ToString(), "10.42.0.168");
  EXPECT_THAT(refused[0].prefix, HasSubstr("log/s"));
}

TEST_F(RefusalLogTest, AFloodOfRefusalsIsLoggedTenTimesAndThenSlowly) {
  StartController();
  ASSERT_NO_FATAL_FAILURE(TellStep(ReadIt("C093"), 0));
  Settle();
  const absl::Time begin = absl::Now();
  const std::vector<CaseCheck> flood(
      40, {"203.0.113.1", "log/s", IPPROTO_TCP, 80, false});
  const size_t logged = LoggedBy(flood).size();
  EXPECT_GE(logged, 10u);
  // One more for every six seconds that it took.
  EXPECT_LE(static_cast<double>(logged),
            11 + absl::ToDoubleSeconds(absl::Now() - begin) / 6);
}

TEST_F(RefusalLogTest, TheLogStandsRightBeforeTheRefusal) {
  EnforceCase("C093");
  const std::vector<std::string> rules = RulesOf(
      PodChain({"log", "s"}, Direction::kIngress, Family::kIPv4).value());
  ASSERT_GE(rules.size(), 2u);
  EXPECT_THAT(rules[rules.size() - 2],
              AllOf(HasSubstr("-m limit --limit 10/min --limit-burst 10 "),
                    HasSubstr("-j NFLOG"), HasSubstr("log/s"),
                    HasSubstr("--nflog-group 100")));
  EXPECT_THAT(rules.back(),
              HasSubstr("-j REJECT --reject-with icmp-port-unreachable"));
}

}  // namespace
}  // namespace netpol
