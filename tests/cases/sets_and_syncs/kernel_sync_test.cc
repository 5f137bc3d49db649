// C073, C075, C078, C079 and C080 in the real kernel, with real packets.
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/snapshot_text.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"
#include "tests/cases/sets_and_syncs/memory_node.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::Not;

class KernelSyncTest : public KernelCaseTest {
 protected:
  void SetUp() override {
    KernelCaseTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) Start();
  }

  // The set of blocks or addresses that holds `member`.
  SetName SetWith(const std::string& member) {
    for (const auto& [name, set] : ReadKernel().sets) {
      if (name == LocalPodsSet(set.spec.family)) continue;
      for (const SetMember& candidate : set.members) {
        if (candidate.ToString() == member) return name;
      }
    }
    ADD_FAILURE() << "no set holds " << member;
    return SetName();
  }
};

// Fifty syncs while packets of both kinds pass without a pause.
TEST_F(KernelSyncTest, C073NoPacketIsMisjudgedDuringFiftySyncs) {
  const std::vector<CaseStep> steps = StepsOf("C073");
  TellStep(steps[0]);
  Sync();
  ExpectVerdicts(steps[0].checks);
  std::vector<Packet> packets;
  for (const CaseCheck& check : steps[0].checks) {
    packets.push_back({*AddressOf(cluster_, check.from),
                       *AddressOf(cluster_, check.to), check.protocol,
                       check.port});
  }
  std::atomic<bool> done = false;
  uint64_t writes = 0;
  std::thread churn([&] {
    for (int round = 0; round < 50; ++round) {
      TellStep(steps[round % 3]);
      Tell({Upsert(PodBuilder("noise", absl::StrCat("n", round % 7))
                       .On(round % 2 == 0 ? kCaseNode : "node-b")
                       .Ip(absl::StrCat("10.42.0.", 160 + round % 11))
                       .Label("app", round % 3 == 0 ? "n" : "m")
                       .Phase("Running")
                       .Build())});
      if (round % 10 == 9) controller_->QueueResync();
      writes += Sync().writes.total();
    }
    done = true;
  });
  int probes = 0;
  int wrong = 0;
  bool last = false;  // One look after the end, at least.
  while (!last) {
    last = done;
    const auto outcomes = lab_->Probe(packets);
    if (!outcomes.ok()) {
      ADD_FAILURE() << outcomes.status();
      break;
    }
    for (size_t i = 0; i < packets.size(); ++i) {
      ++probes;
      wrong += ((*outcomes)[i] == ProbeOutcome::kAllowed) !=
               steps[0].checks[i].allowed;
    }
  }
  churn.join();
  EXPECT_EQ(wrong, 0) << "of " << probes;
  EXPECT_GT(writes, 50u);
  std::cout << probes << " packets during 50 syncs with " << writes
            << " kernel writes, " << wrong << " judged wrongly\n";
}

// A rule of somebody else keeps a set of busy/one in use.
TEST_F(KernelSyncTest, C075SetInUseBlocksNothingAndGoesOnceItIsFree) {
  const std::vector<CaseStep> steps = StepsOf("C075");
  TellStep(steps[0]);
  Sync();
  ExpectVerdicts(steps[0].checks);
  const SetName busy = SetWith("198.51.100.0/24");
  const std::vector<std::string> rule = {"OUTPUT",      "-m",         "set",
                                         "--match-set", busy.value(), "src",
                                         "-j",          "RETURN"};
  const auto iptables = [&](const char* command) {
    std::vector<std::string> argv = {LabTool("iptables"), command};
    argv.insert(argv.end(), rule.begin(), rule.end());
    Exec(argv);
  };
  iptables("-A");
  TellStep(steps[1]);
  EXPECT_TRUE(Sync().retry);
  EXPECT_EQ(ReadKernel().sets.count(busy), 1u);
  ExpectVerdicts(steps[1].checks);
  EXPECT_TRUE(Sync().retry) << "it is tried again, and still in use";
  ExpectVerdicts(steps[1].checks);
  iptables("-D");
  EXPECT_FALSE(Sync().retry);
  EXPECT_EQ(ReadKernel().sets.count(busy), 0u);
  EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
  ExpectVerdicts(steps[1].checks);
}

TEST_F(KernelSyncTest, C078StepsBackToBackEndWithTheLastVersion) {
  const std::vector<CaseStep> steps = StepsOf("C078");
  for (const CaseStep& step : steps) TellStep(step);
  Sync();
  ExpectVerdicts(steps.back().checks);
  ExpectInStep();
  EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
  // Again and again, on top of what is there, with a sync at odd places.
  for (int round = 0; round < 12; ++round) {
    for (size_t i = 0; i < steps.size(); ++i) {
      TellStep(steps[i]);
      if ((round >> i) % 2 == 1) Sync();
    }
    Sync();
    ExpectVerdicts(steps.back().checks);
  }
  EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
  EXPECT_THAT(Exec({"ipset", "save"}), Not(HasSubstr("198.51.100.")));
}

TEST_F(KernelSyncTest, C079MemberTakenOutByHandIsPutBackByTheNextLook) {
  const std::vector<CaseStep> steps = StepsOf("C079");
  for (const CaseStep& step : steps) {
    TellStep(step);
    Sync();
    ExpectVerdicts(step.checks);
    EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
  }
  // tenant-0/probe2, who may reach tenant-0/svc.
  const std::string address = "10.42.1.103";
  Exec({"ipset", "del", SetWith(address).value(), address});
  std::vector<CaseCheck> checks = steps.back().checks;
  for (CaseCheck& check : checks) check.allowed = false;
  ExpectVerdicts(checks);  // As long as nobody looks.
  controller_->QueueResync();
  const SyncReport report = Sync();
  EXPECT_EQ(report.members_added, 1);
  EXPECT_EQ(report.writes.total(), 1u);
  ExpectVerdicts(steps.back().checks);
  EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
}

TEST_F(KernelSyncTest, C080EventsWithoutMeaningWriteNothing) {
  const std::vector<CaseStep> steps = StepsOf("C080");
  TellStep(steps[0]);
  EXPECT_GT(Sync().writes.total(), 0u);
  for (int round = 0; round < 100; ++round) {
    for (size_t i : {1, 2}) {
      TellStep(steps[i]);
      ASSERT_EQ(Sync().writes.total(), 0u) << "round " << round;
    }
  }
  ExpectVerdicts(steps.back().checks);
}

}  // namespace
}  // namespace netpol
