#include "tests/kernel/steady_traffic/steady_run.h"

#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/forwarding_dataplane.h"
#include "netpol/testing/random_rounds.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

class SteadyRunTest : public LabFixture {};

// NETPOL_SEED and NETPOL_STEPS choose another run, and its commits.
TEST_F(SteadyRunTest, VerdictsThatStayHoldDuringRandomChanges) {
  SteadyOptions options;
  options.seed = FirstSeed();
  options.commits = Steps(300);
  const absl::StatusOr<SteadyResult> result = RunSteadyTraffic(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GE(result->work.table_commits, options.commits);
  for (const FamilyTraffic& traffic : result->traffic) {
    EXPECT_EQ(traffic.lost, 0);
    EXPECT_EQ(traffic.passed, 0);
    EXPECT_EQ(traffic.unanswered, 0);
    EXPECT_EQ(traffic.established_lost, 0);
    EXPECT_GT(traffic.allowed_sent, 500);
    EXPECT_GT(traffic.denied_sent, 500);
    EXPECT_GT(traffic.established_sent, 500);
  }
  EXPECT_EQ(result->retransmissions, 0);
  EXPECT_EQ(absl::StrJoin(result->wrong, "\n"), "");
  std::cout << result->packets() << " packets during "
            << result->work.table_commits << " commits, "
            << result->work.set_messages << " set messages and "
            << result->work.restarts << " restarts\n";
}

// Takes the jumps to the rules away while it writes them.
class OpeningKernel : public ForwardingDataplane {
 public:
  explicit OpeningKernel(std::unique_ptr<Dataplane> kernel)
      : ForwardingDataplane(std::move(kernel)) {}

  absl::Status CommitTable(const TableChange& change) override {
    TableChange open;
    open.family = change.family;
    open.hooks = HookChange::kRemove;
    RETURN_IF_ERROR(ForwardingDataplane::CommitTable(open));
    TableChange closed = change;
    closed.hooks = HookChange::kEnsure;
    return ForwardingDataplane::CommitTable(closed);
  }
};

// Empties a set, takes its time, and fills it anew.
class RefillingKernel : public ForwardingDataplane {
 public:
  explicit RefillingKernel(std::unique_ptr<Dataplane> kernel)
      : ForwardingDataplane(std::move(kernel)) {}

  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    ASSIGN_OR_RETURN(const Snapshot now, Read({spec.family}));
    std::vector<SetMember> all;
    if (auto it = now.sets.find(spec.name); it != now.sets.end())
      all.assign(it->second.members.begin(), it->second.members.end());
    RETURN_IF_ERROR(RemoveMembers(spec, all));
    for (int i = 0; i < 5; ++i) RETURN_IF_ERROR(Read({spec.family}).status());
    RETURN_IF_ERROR(ForwardingDataplane::AddMembers(spec, members));
    return ForwardingDataplane::AddMembers(spec, all);
  }
};

template <typename Kernel>
KernelOpener Faulty() {
  return []() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel, OpenLinuxKernel());
    return std::unique_ptr<Dataplane>(
        std::make_unique<Kernel>(std::move(kernel)));
  };
}

TEST_F(SteadyRunTest, RulesThatAreAwayForAMomentAreSeen) {
  SteadyOptions options;
  options.commits = 100;
  options.open_kernel = Faulty<OpeningKernel>();
  const absl::StatusOr<SteadyResult> result = RunSteadyTraffic(options);
  ASSERT_TRUE(result.ok()) << result.status();
  const int64_t passed = result->traffic[0].passed + result->traffic[1].passed;
  EXPECT_GT(passed, 0);
  EXPECT_FALSE(result->wrong.empty());
  std::cout << passed << " packets passed wrongly\n";
}

TEST_F(SteadyRunTest, SetsThatAreEmptyForAMomentAreSeen) {
  SteadyOptions options;
  options.commits = 200;
  options.open_kernel = Faulty<RefillingKernel>();
  const absl::StatusOr<SteadyResult> result = RunSteadyTraffic(options);
  ASSERT_TRUE(result.ok()) << result.status();
  int64_t wrong = 0;
  for (const FamilyTraffic& traffic : result->traffic)
    wrong += traffic.lost + traffic.passed;
  EXPECT_GT(wrong, 0);
  std::cout << wrong << " packets met the wrong verdict\n";
}

}  // namespace
}  // namespace netpol
