#include "bench/engine/measured_engine.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/snapshot_text.h"
#include "netpol/testing/workload.h"
#include "netpol/testing/workload_change.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

class MeasuredEngineTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto engine = MeasuredEngine::Load(NamedWorkload("S"), kSeed);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  // What is in the engine's kernel, where its last call has left the thread.
  static std::string InKernel() {
    auto kernel = LinuxDataplane::Create({});
    EXPECT_TRUE(kernel.ok()) << kernel.status();
    auto snapshot = (*kernel)->Read({Family::kIPv4});
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return ContentsOf(*snapshot);
  }

  // A step, and that measuring its floor changes nothing.
  EngineStep Do(const v1::WatchEvent& event) {
    absl::StatusOr<EngineStep> step = engine_->Step({event});
    EXPECT_TRUE(step.ok()) << step.status();
    if (!step.ok()) return {};
    const std::string before = InKernel();
    const absl::StatusOr<FloorStep> floor = engine_->MeasureFloor(*step);
    EXPECT_TRUE(floor.ok()) << floor.status();
    if (floor.ok()) floor_ = *floor;
    EXPECT_EQ(InKernel(), before);
    return *std::move(step);
  }

  std::unique_ptr<MeasuredEngine> engine_;
  FloorStep floor_;  // of the last Do()
  const WorkloadChanges changes_{NamedWorkload("S"), kSeed};
};

TEST_F(MeasuredEngineTest, ARemotePodEditsSetsAndCommitsNothing) {
  const auto change = changes_.RemotePodLeaves();
  ASSERT_TRUE(change.ok()) << change.status();
  for (const v1::WatchEvent& event : {change->forth, change->back}) {
    const EngineStep step = Do(event);
    EXPECT_GT(step.kernel.edited.size(), 0u);
    EXPECT_EQ(step.kernel.tables_committed, 0);
    EXPECT_GT(step.kernel.edits.wall, absl::ZeroDuration());
    EXPECT_EQ(step.kernel.commits.wall, absl::ZeroDuration());
    EXPECT_GT(step.user().wall, absl::ZeroDuration());
    EXPECT_GT(floor_.edits.wall, absl::ZeroDuration());
    EXPECT_EQ(floor_.commits.wall, absl::ZeroDuration());
  }
}

TEST_F(MeasuredEngineTest, APolicyMakesSetsAndCommitsOnce) {
  const auto change = changes_.PolicyLeaves();
  ASSERT_TRUE(change.ok()) << change.status();
  const std::string before = InKernel();
  const EngineStep gone = Do(change->forth);
  EXPECT_EQ(gone.kernel.tables_committed, 1);
  EXPECT_GT(gone.kernel.commits.wall, absl::ZeroDuration());
  EXPECT_GT(floor_.commits.wall, absl::ZeroDuration());
  EXPECT_NE(InKernel(), before);
  const EngineStep back = Do(change->back);
  EXPECT_EQ(back.kernel.created.size(),
            static_cast<size_t>(gone.kernel.sets_destroyed));
  EXPECT_EQ(InKernel(), before);
}

TEST_F(MeasuredEngineTest, TwoEnginesDoNotMeet) {
  auto other = MeasuredEngine::Load(NamedWorkload("S"), kSeed);
  ASSERT_TRUE(other.ok()) << other.status();
  const auto change = changes_.RemotePodLeaves();
  ASSERT_TRUE(change.ok()) << change.status();
  const std::string before = InKernel();
  ASSERT_TRUE(engine_->Step({change->forth}).ok());
  EXPECT_NE(InKernel(), before);
  ASSERT_TRUE((*other)->Step({}).ok());
  EXPECT_EQ(InKernel(), before);
}

}  // namespace
}  // namespace netpol
