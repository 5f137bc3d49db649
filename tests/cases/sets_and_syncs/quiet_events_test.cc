// C080: events that mean nothing for policy write nothing, and real ones that
// come in a burst are merged.
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/builders.h"
#include "netpol/watch/manifests/manifest_source.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

// Nobody waits for so long unless the test fails.
constexpr std::chrono::seconds kPatience(30);

// What an API server sends all day, on top of C080's pod idle/s and its
// namespace. `beat` is new each time.
std::string Heartbeats(int beat) {
  return absl::StrCat(R"(
apiVersion: v1
kind: Node
metadata: {name: node-a, resourceVersion: ")",
                      beat, R"("}
status:
  conditions: [{type: Ready, status: "True", lastHeartbeatTime: "2024-01-01T00:)",
                      10 + beat, R"(:00Z"}]
---
apiVersion: v1
kind: Endpoints
metadata:
  name: headless
  namespace: idle
  annotations: {renewed: ")",
                      beat, R"("}
subsets: [{addresses: [{ip: 10.42.0.156}], ports: [{port: 80}]}]
---
apiVersion: v1
kind: Namespace
metadata:
  name: idle
  labels: {kubernetes.io/metadata.name: idle}
  annotations: {touched: ")",
                      beat, R"("}
---
apiVersion: v1
kind: Pod
metadata:
  name: s
  namespace: idle
  labels: {app: s}
  resourceVersion: ")",
                      beat, R"("
  annotations: {heartbeat: ")",
                      beat, R"("}
spec:
  nodeName: node-a
  containers: [{name: main, image: "example.invalid/app:1"}]
status:
  phase: Running
  hostIP: 172.31.0.1
  podIP: 10.42.0.156
  podIPs: [{ip: 10.42.0.156}]
  conditions: [{type: Ready, status: ")",
                      beat % 2 == 0 ? "True" : "False", R"("}]
  containerStatuses: [{name: main, restartCount: )",
                      beat, "}]\n");
}

class QuietEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    steps_ = StepsOf("C080");
    ASSERT_EQ(steps_.size(), 3u);
    node_.Follow({steps_[0]});
    ASSERT_GT(node_.kernel().writes().total(), 0u);
    node_.kernel().ClearLog();
  }

  // The next Sync() makes no call at all, not even to look.
  void ExpectNothingToDo() {
    const uint64_t before = node_.kernel().writes().total();
    const SyncReport report = node_.Sync();
    EXPECT_EQ(report.writes.total(), 0u);
    EXPECT_EQ(node_.kernel().writes().total(), before);
    EXPECT_THAT(node_.kernel().log(), testing::IsEmpty());
  }

  std::vector<CaseStep> steps_;
  MemoryNode node_;
};

TEST_F(QuietEventsTest, C080NewAnnotationAndRepeatedPolicyWriteNothing) {
  for (size_t i : {1, 2}) {
    node_.TellStep(steps_[i]);
    ExpectNothingToDo();
    node_.ExpectVerdicts(steps_[i].checks);
  }
}

TEST_F(QuietEventsTest, C080HeartbeatsWriteNothing) {
  const std::string path = testing::TempDir() + "/heartbeats.yaml";
  for (int beat = 1; beat <= 20; ++beat) {
    std::ofstream(path) << Heartbeats(beat);
    const absl::StatusOr<ManifestSet> read = ReadManifests({path});
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_GE(read->objects.size(), 3u) << "namespace, node and pod";
    node_.Tell(read->objects);
    ExpectNothingToDo();
  }
  node_.ExpectVerdicts(steps_[0].checks);
}

TEST_F(QuietEventsTest, C080LabelsAndPodsThatNoPolicyLooksAtWriteNothing) {
  for (int i = 1; i <= 20; ++i) {
    node_.Tell(Upsert(PodBuilder("idle", "s")
                          .On(kCaseNode)
                          .Ip("10.42.0.156")
                          .Label("app", "s")
                          .Label("build", absl::StrCat(i))
                          .Phase("Running")
                          .Build()));
    node_.Tell(Upsert(PodBuilder("other", absl::StrCat("far-", i))
                          .On("node-b")
                          .Ip(absl::StrCat("10.42.1.", i))
                          .Label("app", "s")
                          .Phase("Running")
                          .Build()));
    node_.Tell(Upsert(PolicyBuilder("other", absl::StrCat("p", i)).Build()));
    ExpectNothingToDo();
  }
}

TEST_F(QuietEventsTest, C080ChangeThatIsTakenBackInTheSameBurstWritesNothing) {
  const Cluster before = node_.cluster();
  for (const k8s::NetworkPolicy& policy : before.policies) {
    node_.Tell(Delete(policy));
    node_.Tell(Upsert(policy));
  }
  for (const k8s::Pod& pod : before.pods) {
    node_.Tell(Delete(pod));
    node_.Tell(Upsert(pod));
  }
  ExpectNothingToDo();
  node_.ExpectVerdicts(steps_[0].checks);
}

TEST_F(QuietEventsTest, C080RealChangeAmongHeartbeatsIsWrittenAlone) {
  node_.TellStep(steps_[1]);
  node_.Tell(Upsert(PolicyBuilder("idle", "in")
                        .Selects({{"app", "s"}})
                        .Types({"Ingress"})
                        .Ingress({BlockPeer("203.0.113.0/24")})
                        .Build()));
  node_.TellStep(steps_[1]);
  const SyncReport report = node_.Sync();
  EXPECT_EQ(report.writes.table_commits, 1u);
  EXPECT_EQ(report.chains_written, 1);
  EXPECT_EQ(report.sets_created, 1);
  EXPECT_TRUE(
      LetsThrough(node_.state(), {*IpAddress::Parse("203.0.113.1"),
                                  *IpAddress::Parse("10.42.0.156"), 6, 80}));
}

// A loop whose first sync waits for Release().
class HeldLoop {
 public:
  HeldLoop() {
    auto kernel = std::make_unique<FakeDataplane>();
    kernel_ = kernel.get();
    kernel_->set_gate([this](const Operation&) {
      std::unique_lock<std::mutex> lock(mutex_);
      begun_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
      return absl::OkStatus();
    });
    ControllerOptions options;
    options.node_name = kCaseNode;
    options.layout = CaseLayout();
    ControllerLoopCallbacks callbacks;
    callbacks.on_synced = [this](const SyncReport& report) {
      const std::lock_guard<std::mutex> lock(mutex_);
      writes_.push_back(report.writes.total());
      members_ =
          kernel_->state().sets[LocalPodsSet(Family::kIPv4)].members.size();
      changed_.notify_all();
    };
    PacerOptions pacing;
    pacing.rest_factor = 0;  // As eager as can be: merging is not waiting.
    pacing.period = absl::InfiniteDuration();
    loop_ = std::make_unique<ControllerLoop>(
        *Controller::Create(std::move(options), std::move(kernel)), pacing,
        std::move(callbacks));
  }

  ~HeldLoop() { Release(); }

  void Post(std::vector<v1::WatchEvent> events) {
    loop_->Post(std::move(events));
  }
  void AwaitFirstSync() {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kPatience, [this] { return begun_; }));
  }
  void Release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void AwaitLocalPods(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, kPatience, [&] { return members_ == count; }));
  }
  std::vector<uint64_t> writes() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return writes_;
  }

 private:
  FakeDataplane* kernel_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool released_ = false;
  std::vector<uint64_t> writes_;  // of each sync
  size_t members_ = 0;
  std::unique_ptr<ControllerLoop> loop_;
};

TEST(BurstTest, C080ThousandChangesDuringASyncAreOneMoreSync) {
  constexpr int kChanges = 1000;
  constexpr int kPods = 100;
  HeldLoop loop;
  loop.Post(ListingOf({}));
  loop.AwaitFirstSync();
  for (int i = 0; i < kChanges; ++i) {
    loop.Post({Upsert(PodBuilder("idle", absl::StrCat("s", i % kPods))
                          .On(kCaseNode)
                          .Ip(absl::StrCat("10.42.0.", i % kPods + 1))
                          .Label("app", i % 3 == 0 ? "s" : "t")
                          .Phase("Running")
                          .Build()),
               Upsert(PolicyBuilder("idle", absl::StrCat("p", i % 10))
                          .Selects({{"app", "s"}})
                          .Types({"Ingress"})
                          .Ingress({BlockPeer(
                              absl::StrCat("198.51.", i % 250, ".0/24"))})
                          .Build())});
  }
  loop.Release();
  loop.AwaitLocalPods(kPods);
  const std::vector<uint64_t> writes = loop.writes();
  ASSERT_EQ(writes.size(), 2u) << "the listing, and all that came meanwhile";
  std::cout << kChanges
            << " changes of pods and policies in one burst: " << writes[1]
            << " kernel writes\n";
  // Ten sets of blocks are made and filled, the judged addresses added, and at
  // most one commit is made for each family.
  EXPECT_LE(writes[1], 2 * 10u + 1u + 2u);
}

}  // namespace
}  // namespace netpol
