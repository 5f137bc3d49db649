// What stays behind after many syncs, and after one that was cut short (C089).
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/cases/node_and_neighbours/tapped_kernel.h"

namespace netpol {
namespace {

class PileUpTest : public NeighbourNodeTest {
 protected:
  // All chains, rules, sets and members, whatever they have counted.
  std::string Content() {
    std::string text =
        absl::StrCat(FilterTable(Family::kIPv4), FilterTable(Family::kIPv6));
    for (const std::string& line :
         LinesWith(Tool({"ipset", "save", "-sorted"}), "")) {
      // A set's head holds a random number.
      absl::StrAppend(&text, line.substr(0, line.find(" hashsize")), "\n");
    }
    return text;
  }

  // A pod of ours and a policy that come, or (odd rounds) go.
  void Churn(int round) {
    const k8s::Pod pod = PodBuilder("pile", absl::StrCat("p", round / 2))
                             .On("node-a")
                             .Label("app", "p")
                             .Ip(absl::StrCat("10.42.0.", 20 + round / 2 % 80))
                             .Build();
    const k8s::NetworkPolicy policy =
        PolicyBuilder("pile", absl::StrCat("more", round / 2))
            .Types({"Ingress", "Egress"})
            .Ingress({PodPeer(MatchLabels({{"app", "p"}})),
                      BlockPeer(absl::StrCat("192.0.", round / 2, ".0/24"))},
                     {NumberPort("TCP", 80), NamePort("TCP", "web")})
            .Build();
    Tell(round % 2 == 0 ? Upsert(pod) : Delete(pod));
    Tell(round % 2 == 0 ? Upsert(policy) : Delete(policy));
  }
};

// Freed memory is kept for a while where wrong uses of it are looked for.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kSpareResident = 512 << 20;
#else
constexpr size_t kSpareResident = 8 << 20;
#endif

size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(PileUpTest, TwoHundredSyncsLeaveNothingBehindAndTakeNoMemory) {
  constexpr size_t kSpareHeap = 256 << 10;
  EnforceCase("C089");
  const std::string first = Content();
  size_t heap = 0, resident = 0, commits = 0;
  for (int round = 0; round < 200; ++round) {
    Churn(round);
    // Half of them distrust what they know.
    commits += (round % 4 < 2 ? Sync() : Resync()).writes.table_commits;
    if (round != 49) continue;
    heap = mallinfo2().uordblks;
    resident = ResidentBytes();
  }
  EXPECT_GE(commits, 200u);
  EXPECT_LE(mallinfo2().uordblks, heap + kSpareHeap);
  EXPECT_LE(ResidentBytes(), resident + kSpareResident);
  Resync();
  EXPECT_EQ(Content(), first);
}

// Each sync ends at another write, as if the process had been killed there.
TEST_F(PileUpTest, ASyncThatEndsAnywhereIsMendedByTheNextProcess) {
  const Case told = ReadIt("C082");
  EnforceCase("C082");
  const std::string whole = Content();
  int writes = 0;
  bool died = true;
  for (int last = 0; died; ++last) {
    ASSERT_LT(last, 100);
    StartController();
    TellAll(ListingOf({}));
    Settle();  // What is left of the one before is gone.
    writes = 0;
    died = false;
    LayoutOptions layout;
    layout.families = {Family::kIPv4, Family::kIPv6};
    StartController(layout,
                    std::make_unique<TappedKernel>(
                        OpenKernel(), [&](const KernelWrite&) -> absl::Status {
                          died = died || writes++ == last;
                          return died ? absl::UnavailableError("killed")
                                      : absl::OkStatus();
                        }));
    ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
    OnNode([&] { (void)controller().Sync().status(); });
    StartController();
    ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
    Settle();
    EXPECT_EQ(Content(), whole) << "killed at write " << last;
  }
  EXPECT_GE(writes, 3);
}

// The real program, which waits for the lock of the table when it is killed:
// its sets are there, its rules are not.
TEST_F(PileUpTest, AProcessKilledBetweenSetsAndRulesLeavesNothingBehind) {
  Program apply;
  apply.argv = {"netpol/daemon/netpolctl",
                "apply",
                "--manifests=tests/cases/data/C082/manifests.yaml",
                "--hostname-override=node-a",
                "--iptables-lock-timeout=60s",
                // The other one has no lock to wait for.
                "--iptables-backend=legacy",
                absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock")};
  const FileDescriptor lock(
      open(getenv("XTABLES_LOCKFILE"), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(lock.valid());
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  absl::StatusOr<std::unique_ptr<NodeProcess>> process =
      lab().StartOnNode(apply);
  ASSERT_TRUE(process.ok()) << process.status();
  const absl::Time end = absl::Now() + absl::Seconds(30);
  const auto has_sets = [&] {
    const std::string sets = Tool({"ipset", "save"});
    return absl::StrContains(sets, "add KUBE-SRC-") &&
           absl::StrContains(sets, "add kube-router-local-pods");
  };
  while (!has_sets() && absl::Now() < end) continue;
  kill((*process)->pid(), SIGKILL);
  const absl::StatusOr<int> killed = (*process)->Wait(absl::Seconds(10));
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_EQ(*killed, 128 + SIGKILL);
  EXPECT_TRUE(has_sets());
  EXPECT_THAT(FilterTable(), testing::Not(testing::HasSubstr("KUBE-")));
  ASSERT_EQ(flock(lock.get(), LOCK_UN), 0);
  Tool(apply.argv);
  const std::string after = Content();
  Tool({"netpol/daemon/netpolctl", "cleanup", apply.argv.back()});
  EXPECT_THAT(Content(), testing::Not(testing::HasSubstr("KUBE-")));
  Tool(apply.argv);
  EXPECT_EQ(Content(), after);
}

}  // namespace
}  // namespace netpol
