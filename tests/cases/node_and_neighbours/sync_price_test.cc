// What one sync costs in loads and programs (C100), and what a pod that appears
// costs beside policies that do not concern it (C052).
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/node_and_neighbours/denied_calls.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/cases/node_and_neighbours/tapped_kernel.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

// How often each thing was written, by name.
struct Loads {
  std::map<std::string, int> sets;
  std::map<Family, int> tables;
};

class SyncPriceTest : public NeighbourNodeTest {
 protected:
  void StartCounting(const std::vector<Family>& families) {
    LayoutOptions layout;
    layout.families = families;
    StartController(layout, std::make_unique<TappedKernel>(
                                OpenKernel(), [this](const KernelWrite& write) {
                                  if (write.table != nullptr) {
                                    ++loads_.tables[write.table->family];
                                  } else {
                                    ++loads_.sets[write.set_name];
                                  }
                                  return absl::OkStatus();
                                }));
  }

  // The case's policies, p000 to p019, and as many more of the same kind as
  // make `count`.
  void TellPolicies(int count) {
    ASSERT_NO_FATAL_FAILURE(TellStep(ReadIt("C100"), 0));
    for (int i = 20; i < count; ++i) {
      Tell(Upsert(
          PolicyBuilder("once", absl::StrCat("p", i))
              .Selects({{"app", "s"}})
              .Ingress({PodPeer(MatchLabels({{"role", absl::StrCat("r", i)}}))},
                       {NumberPort("TCP", 8000 + i)})
              .Build()));
    }
    ASSERT_EQ(cluster().policies.size(), static_cast<size_t>(count));
  }

  // A Sync() of a thread that cannot start any program or process. On nft a
  // table is written by a program.
  SyncReport SyncAlone() {
    absl::StatusOr<SyncReport> report;
    loads_ = Loads();
    OnNode([&] {
      if (LabFlavour() == Flavour::kNft) {
        report = controller().Sync();
        return;
      }
      std::vector<DeniedCall> calls;
      for (int number : {SYS_execve, SYS_execveat, SYS_fork, SYS_vfork,
                         SYS_clone, SYS_clone3}) {
        calls.push_back({number, {}, EPERM});
      }
      const absl::Status denied = DenyCalls(calls);
      ASSERT_TRUE(denied.ok()) << denied;
      ASSERT_EQ(fork(), -1);
      report = controller().Sync();
    });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : SyncReport();
  }

  // From a pod's event to the kernel, while it comes and goes many times.
  absl::Duration MedianDelay(const k8s::Pod& pod) {
    std::vector<absl::Duration> delays;
    OnNode([&] {
      for (int i = 0; i < 101; ++i) {
        const v1::WatchEvent event = i % 2 == 0 ? Delete(pod) : Upsert(pod);
        const absl::Time begin = absl::Now();
        ASSERT_TRUE(controller().OnEvent(event).ok());
        ASSERT_TRUE(controller().Sync().ok());
        delays.push_back(absl::Now() - begin);
      }
    });
    std::sort(delays.begin(), delays.end());
    return delays.empty() ? absl::ZeroDuration() : delays[delays.size() / 2];
  }

  Loads loads_;
};

class PolicyCountTest : public SyncPriceTest,
                        public testing::WithParamInterface<int> {};

TEST_P(PolicyCountTest, OneLoadOfEachTableAndSetAndNoProgram) {
  StartCounting({Family::kIPv4, Family::kIPv6});
  ASSERT_NO_FATAL_FAILURE(TellPolicies(GetParam()));
  const SyncReport first = SyncAlone();
  EXPECT_THAT(first.problems, SizeIs(0));
  EXPECT_THAT(loads_.tables,
              ElementsAre(Pair(Family::kIPv4, 1), Pair(Family::kIPv6, 1)));
  EXPECT_THAT(loads_.sets,
              SizeIs(testing::Ge(static_cast<size_t>(GetParam()))));
  for (const auto& [set, loads] : loads_.sets) EXPECT_EQ(loads, 1) << set;
  // Created and filled.
  EXPECT_LE(first.writes.set_messages, 2 * loads_.sets.size());
  ExpectVerdicts(ReadIt("C100").steps.back().checks);

  // One pod that one of the policies asks for.
  Tell(Upsert(PodBuilder("once", "late")
                  .On("node-b")
                  .Label("role", "r3")
                  .Ip("10.42.1.200")
                  .Build()));
  const SyncReport event = SyncAlone();
  EXPECT_THAT(loads_.tables, SizeIs(0));
  EXPECT_THAT(loads_.sets, ElementsAre(Pair(testing::_, 1)));
  EXPECT_EQ(event.writes.total(), 1u);

  // One policy that changes.
  Tell(Delete(PolicyBuilder("once", "p005").Build()));
  SyncAlone();
  EXPECT_THAT(loads_.tables, Each(Pair(testing::_, 1)));
  for (const auto& [set, loads] : loads_.sets) EXPECT_EQ(loads, 1) << set;
}

INSTANTIATE_TEST_SUITE_P(Sizes, PolicyCountTest, testing::Values(20, 200),
                         testing::PrintToStringParamName());

TEST_F(SyncPriceTest, AClientThatAppearsCostsTheSameBesideAnyNumberOfPolicies) {
  for (int unrelated : {10, 100, 1000}) {
    SCOPED_TRACE(absl::StrCat(unrelated, " unrelated policies"));
    StartCounting({Family::kIPv4});
    const Case told = ReadIt("C052");
    ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
    for (int i = 0; i < unrelated; ++i) {
      // They select the server, too, so that all of them are in the kernel.
      Tell(Upsert(PolicyBuilder("cron", absl::StrCat("other", i))
                      .Selects({{"app", "db"}})
                      .Ingress({PodPeer(MatchLabels(
                                   {{"not", absl::StrCat("this", i)}}))},
                               {NumberPort("TCP", 1000 + i)})
                      .Build()));
    }
    Sync();
    ExpectVerdicts(told.steps[0].checks);
    loads_ = Loads();
    const auto events = EventsOf(told.steps[1]);
    ASSERT_TRUE(events.ok()) << events.status();
    TellAll(*events);
    const SyncReport report = Sync();
    EXPECT_EQ(report.writes.set_messages, 1u);
    EXPECT_EQ(report.writes.table_commits, 0u);
    EXPECT_EQ(report.members_added, 1);
    EXPECT_THAT(loads_.sets, ElementsAre(Pair(testing::_, 1)));
    ExpectVerdicts(told.steps[1].checks);
    std::cout << "client in force beside " << unrelated
              << " unrelated policies after "
              << MedianDelay(events->front().pod()) << "\n";
  }
}

}  // namespace
}  // namespace netpol
