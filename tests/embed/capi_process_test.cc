// What the C library leaves alone in the process of its host.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/capi/netpol.h"
#include "tests/embed/c_host.h"
#include "tests/embed/process_census.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::StartsWith;

std::atomic<pid_t> handled_on = 0;

void Handle(int) { handled_on = static_cast<pid_t>(syscall(SYS_gettid)); }

class CApiProcessTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    ns_ = std::make_unique<NetNs>(*std::move(ns));
  }

  // One life of a controller, to its end.
  void Live() {
    CHost host;
    ASSERT_EQ(host.StartIn(*ns_), NETPOL_OK) << host.LastError();
    ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
    ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
    ASSERT_EQ(host.Preview(), "");
    ASSERT_EQ(netpol_stop(host.handle(), 1), NETPOL_OK) << host.LastError();
  }

  // One that follows a server that is not there.
  void FollowNobody() {
    CHost host([](netpol_options& options) {
      options.source = NETPOL_SOURCE_KUBERNETES;
      options.master = "http://127.0.0.1:1";
    });
    ASSERT_EQ(host.StartIn(*ns_), NETPOL_OK) << host.LastError();
    ASSERT_TRUE(host.AwaitHealthReason("127.0.0.1")) << host.log();
  }

  std::unique_ptr<NetNs> ns_;
};

// How every signal is handled.
std::vector<std::string> Dispositions() {
  std::vector<std::string> all;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) != 0) continue;
    all.push_back(absl::StrCat(signal, " ",
                               reinterpret_cast<uintptr_t>(action.sa_handler),
                               " ", action.sa_flags));
  }
  return all;
}

TEST_F(CApiProcessTest, TenLivesLeaveNoThreadAndNoFile) {
  Live();
  FollowNobody();
  const ProcessCensus before = TakeCensus();
  for (int i = 0; i < 10; ++i) Live();
  FollowNobody();
  const ProcessCensus after = TakeCensus();
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_EQ(after.files, before.files) << before << "\n" << after;
}

TEST_F(CApiProcessTest, SignalsStayTheHosts) {
  const std::vector<std::string> handled = Dispositions();
  sigset_t mask_before = {};
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  const std::set<pid_t> ours = TakeCensus().threads;
  {
    CHost host;
    ASSERT_EQ(host.StartIn(*ns_), NETPOL_OK) << host.LastError();
    ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
    ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
    EXPECT_EQ(Dispositions(), handled);
    int theirs = 0;
    for (const pid_t thread : TakeCensus().threads) {
      if (ours.count(thread) > 0) continue;
      ++theirs;
      for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE,
                               SIGUSR1, SIGALRM, SIGPROF, SIGURG}) {
        EXPECT_NE(SignalsBlockedBy(thread) >> (signal - 1) & 1, 0u)
            << "signal " << signal << " may come to thread " << thread;
      }
    }
    EXPECT_GT(theirs, 0);
  }
  EXPECT_EQ(Dispositions(), handled);
  sigset_t mask_after = {};
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  EXPECT_EQ(std::memcmp(&mask_before, &mask_after, sizeof(mask_before)), 0);
}

TEST_F(CApiProcessTest, TheHostsHandlerOfSigtermRunsOnAThreadOfTheHost) {
  struct sigaction action = {};
  action.sa_handler = Handle;
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGTERM, &action, &before), 0);
  CHost host;
  ASSERT_EQ(host.StartIn(*ns_), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  for (int i = 0; i < 100; ++i) {
    handled_on = 0;
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    while (handled_on == 0) sched_yield();
    ASSERT_EQ(handled_on, getpid()) << "not on the only thread of this test";
  }
  EXPECT_EQ(sigaction(SIGTERM, &before, nullptr), 0);
  EXPECT_EQ(host.Preview(), "");
}

// A new version of the library, a symbol that another library has as well:
// only what netpol.h names may be seen.
TEST(CApiLibraryTest, ExportsWhatTheHeaderNamesAndNothingElse) {
  const auto listed = RunProgram(
      NetNs::OfCaller(),
      {.argv = {"nm", "-D", "--defined-only", "netpol/capi/libnetpol.so"}});
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->exit_code, 0) << listed->err;
  int exported = 0;
  for (absl::string_view line :
       absl::StrSplit(listed->out, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    EXPECT_THAT(parts.back(), StartsWith("netpol_"));
    ++exported;
  }
  EXPECT_EQ(exported, 16);
}

}  // namespace
}  // namespace netpol
