#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "netpol/testing/packet.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/sets_and_syncs/memory_node.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {

void KernelCaseTest::SetUp() {
  LabFixture::SetUp();
  if (IsSkipped()) return;
  absl::StatusOr<std::unique_ptr<CaseLab>> lab = CaseLab::Create();
  ASSERT_TRUE(lab.ok()) << lab.status();
  lab_ = *std::move(lab);
}

void KernelCaseTest::OnNode(const std::function<void()>& work) {
  const absl::Status ran = lab_->lab().RunOnNode(work);
  ASSERT_TRUE(ran.ok()) << ran;
}

std::unique_ptr<Controller> KernelCaseTest::MakeController(
    absl::Duration lock_timeout, const Wrap& wrap) {
  std::unique_ptr<Controller> made;
  OnNode([&] {
    LinuxDataplaneOptions kernel;
    kernel.lock_timeout = lock_timeout;
    absl::StatusOr<std::unique_ptr<LinuxDataplane>> linux_kernel =
        OpenLabKernel(kernel);
    ASSERT_TRUE(linux_kernel.ok()) << linux_kernel.status();
    std::unique_ptr<Dataplane> dataplane = *std::move(linux_kernel);
    if (wrap) dataplane = wrap(std::move(dataplane));
    ControllerOptions options;
    options.node_name = kCaseNode;
    options.layout = CaseLayout();
    auto controller =
        Controller::Create(std::move(options), std::move(dataplane));
    ASSERT_TRUE(controller.ok()) << controller.status();
    made = *std::move(controller);
  });
  return made;
}

void KernelCaseTest::Start(absl::Duration lock_timeout, const Wrap& wrap) {
  controller_ = MakeController(lock_timeout, wrap);
  ASSERT_NE(controller_, nullptr);
}

void KernelCaseTest::Tell(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events) {
    const absl::Status told = controller_->OnEvent(event);
    ASSERT_TRUE(told.ok()) << told;
    ApplyEvent(event, cluster_);
  }
}

void KernelCaseTest::TellStep(const CaseStep& step) {
  const absl::StatusOr<std::vector<v1::WatchEvent>> events = EventsOf(step);
  ASSERT_TRUE(events.ok()) << events.status();
  Tell(*events);
  if (!controller_->CheckKnown().ok()) Tell(ListingOf({}));
}

absl::StatusOr<SyncReport> KernelCaseTest::TrySync() {
  absl::StatusOr<SyncReport> report = absl::UnknownError("did not run");
  OnNode([&] { report = controller_->Sync(); });
  return report;
}

SyncReport KernelCaseTest::Sync() {
  const absl::StatusOr<SyncReport> report = TrySync();
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return {};
  EXPECT_THAT(report->problems, testing::IsEmpty());
  return *report;
}

void KernelCaseTest::ExpectInStep() {
  controller_->QueueResync();
  EXPECT_EQ(Sync().writes.total(), 0u)
      << "the kernel is not as it was asked to be";
}

void KernelCaseTest::ExpectVerdicts(const std::vector<CaseCheck>& checks) {
  std::vector<Packet> packets;
  for (const CaseCheck& check : checks) {
    const absl::StatusOr<IpAddress> from = AddressOf(cluster_, check.from);
    const absl::StatusOr<IpAddress> to = AddressOf(cluster_, check.to);
    ASSERT_TRUE(from.ok() && to.ok()) << check;
    packets.push_back({*from, *to, check.protocol, check.port});
  }
  const absl::Status followed = lab_->Follow(cluster_, packets);
  ASSERT_TRUE(followed.ok()) << followed;
  OnNode([] {
    const absl::Status flushed = FlushConntrack();
    ASSERT_TRUE(flushed.ok()) << flushed;
  });
  const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
      lab_->Probe(packets);
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  for (size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ((*outcomes)[i] == ProbeOutcome::kAllowed, checks[i].allowed)
        << checks[i] << ", but it was " << (*outcomes)[i];
  }
}

Snapshot KernelCaseTest::ReadKernel() {
  Snapshot found;
  OnNode([&] {
    auto kernel = OpenLabKernel();
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    absl::StatusOr<Snapshot> snapshot = (*kernel)->Read(kFamilies);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    found = *std::move(snapshot);
  });
  return found;
}

std::string KernelCaseTest::Exec(const std::vector<std::string>& argv) {
  Program program;
  program.argv = argv;
  const absl::StatusOr<ProgramResult> result = lab_->lab().ExecOnNode(program);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return "";
  EXPECT_EQ(result->exit_code, 0)
      << absl::StrJoin(argv, " ") << ": " << result->err;
  return result->out;
}

}  // namespace netpol
