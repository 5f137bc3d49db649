// Cases that went wrong somewhere, each a folder in data: what is told to the
// controller step by step, and what real packets are to meet after each step.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/case_reader.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {
namespace {

class CaseTest : public LabFixture,
                 public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    for (std::unique_ptr<CaseLab>* lab : {&lab_, &open_lab_}) {
      absl::StatusOr<std::unique_ptr<CaseLab>> created = CaseLab::Create();
      ASSERT_TRUE(created.ok()) << created.status();
      *lab = *std::move(created);
    }
    ASSERT_NO_FATAL_FAILURE(OnNode([this] { MakeController(); }));
  }

  template <typename Work>
  void OnNode(Work work) {
    const absl::Status ran = lab_->lab().RunOnNode(work);
    ASSERT_TRUE(ran.ok()) << ran;
  }

  void MakeController() {
    absl::StatusOr<std::unique_ptr<LinuxDataplane>> dataplane = OpenLabKernel();
    ASSERT_TRUE(dataplane.ok()) << dataplane.status();
    ControllerOptions options;
    options.node_name = kCaseNode;
    options.layout.families = {Family::kIPv4, Family::kIPv6};
    auto controller =
        Controller::Create(std::move(options), *std::move(dataplane));
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
  }

  void Tell(const v1::WatchEvent& event) {
    const absl::Status told = controller_->OnEvent(event);
    ASSERT_TRUE(told.ok()) << told;
    ApplyEvent(event, cluster_);
  }

  void TellStep(const CaseStep& step) {
    const absl::StatusOr<std::vector<v1::WatchEvent>> events = EventsOf(step);
    ASSERT_TRUE(events.ok()) << events.status();
    for (size_t i = 0; i < events->size(); ++i) {
      const size_t before = cluster_.pods.size() + cluster_.policies.size();
      ASSERT_NO_FATAL_FAILURE(Tell((*events)[i]));
      if (i >= step.deletes.size()) continue;
      ASSERT_LT(cluster_.pods.size() + cluster_.policies.size(), before)
          << "there is no such object: " << (*events)[i].ShortDebugString();
    }
    if (controller_->CheckKnown().ok()) return;
    for (const v1::WatchEvent& event : ListingOf({}))
      ASSERT_NO_FATAL_FAILURE(Tell(event));
  }

  void Settle() {
    const absl::StatusOr<SyncReport> first = controller_->Sync();
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_TRUE(first->problems.empty()) << first->problems.front();
    EXPECT_FALSE(first->retry) << "something is left to do";
    controller_->QueueResync();
    const absl::StatusOr<SyncReport> second = controller_->Sync();
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(second->writes.total(), 0u)
        << "the kernel is not as it was asked to be";
    const absl::Status flushed = FlushConntrack();
    ASSERT_TRUE(flushed.ok()) << flushed;
  }

  void MakePackets(const CaseStep& step, std::vector<Packet>& packets) {
    for (const CaseCheck& check : step.checks) {
      const absl::StatusOr<IpAddress> from = AddressOf(cluster_, check.from);
      const absl::StatusOr<IpAddress> to = AddressOf(cluster_, check.to);
      ASSERT_TRUE(from.ok() && to.ok()) << check;
      packets.push_back({*from, *to, check.protocol, check.port});
    }
  }

  // Without policies every packet arrives, so what does not arrive with them
  // was refused by them.
  void CheckPathsAreOpen(const std::vector<Packet>& packets) {
    const absl::Status followed = open_lab_->Follow(cluster_, packets);
    ASSERT_TRUE(followed.ok()) << followed;
    const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
        open_lab_->Probe(packets);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < packets.size(); ++i) {
      EXPECT_EQ((*outcomes)[i], ProbeOutcome::kAllowed)
          << packets[i] << " does not arrive where there are no rules";
    }
  }

  void CheckVerdicts(const CaseStep& step, const std::vector<Packet>& packets) {
    const absl::Status followed = lab_->Follow(cluster_, packets);
    ASSERT_TRUE(followed.ok()) << followed;
    const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
        lab_->Probe(packets);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < packets.size(); ++i) {
      const CaseCheck& check = step.checks[i];
      const Verdict verdict = Evaluate(cluster_, ViewOfCaseNode(), packets[i]);
      EXPECT_EQ((*outcomes)[i] == ProbeOutcome::kAllowed, check.allowed)
          << check << ", but it was " << (*outcomes)[i]
          << "; by the API: " << verdict.reason;
      EXPECT_EQ(verdict.allowed, check.allowed)
          << check << ", but by the API: " << verdict.reason;
    }
  }

  std::unique_ptr<CaseLab> lab_;
  std::unique_ptr<CaseLab> open_lab_;  // The same without a controller.
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;  // As told to the controller.
};

TEST_P(CaseTest, VerdictsHoldAfterEveryStep) {
  const absl::StatusOr<Case> read = ReadCaseById(GetParam());
  ASSERT_TRUE(read.ok()) << read.status();
  for (const CaseStep& step : read->steps) {
    SCOPED_TRACE(absl::StrCat("step ", step.number));
    ASSERT_NO_FATAL_FAILURE(TellStep(step));
    ASSERT_NO_FATAL_FAILURE(OnNode([this] { Settle(); }));
    std::vector<Packet> packets;
    ASSERT_NO_FATAL_FAILURE(MakePackets(step, packets));
    ASSERT_NO_FATAL_FAILURE(CheckPathsAreOpen(packets));
    ASSERT_NO_FATAL_FAILURE(CheckVerdicts(step, packets));
  }
}

INSTANTIATE_TEST_SUITE_P(Data, CaseTest, testing::ValuesIn(CaseIds()),
                         [](const auto& info) { return info.param; });

// For any user: no case is lost, and none is without something to check.
TEST(CaseFoldersTest, EveryFolderIsReadableAndChecksSomething) {
  EXPECT_GT(CaseIds().size(), 50u) << "the cases were not found";
  for (const std::string& id : CaseIds()) {
    const absl::StatusOr<Case> read = ReadCaseById(id);
    EXPECT_TRUE(read.ok()) << read.status();
  }
}

}  // namespace
}  // namespace netpol
