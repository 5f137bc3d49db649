// The demo as its user runs it.
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace fs = std::filesystem;

constexpr char kDemo[] = "tests/demo/demo";
constexpr char kNetpolctl[] = "netpol/daemon/netpolctl";

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

// The demo's host is a namespace of its own, so that what it would leave there
// is told from what others do meanwhile. It has a folder for temporary files.
class DemoTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!MayMakeNamespaces())
      GTEST_SKIP() << "needs root: the demo makes network namespaces";
    // What the demo leaves running becomes our child.
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    absl::StatusOr<NetNs> ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    host_ = *std::move(ns);
    std::string pattern = testing::TempDir() + "/demo.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ASSERT_EQ(mkdir(temporary().c_str(), 0755), 0);
  }

  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }

  std::string temporary() const { return folder_ + "/tmp"; }

  Program Demo(std::vector<std::string> before = {}) const {
    Program program;
    program.argv = std::move(before);
    program.argv.push_back(kDemo);
    program.environment = {absl::StrCat("TMPDIR=", temporary()), "LC_ALL=C"};
    program.limit = absl::Seconds(60);
    return program;
  }

  // The namespaces have no names, so they are gone when no process is left that
  // could hold one.
  void ExpectNothingIsLeft() {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_THAT(NamesIn(temporary()), IsEmpty());
    const absl::Status looked = host_->Run([] {
      struct if_nameindex* links = if_nameindex();
      std::vector<std::string> names;
      for (auto* link = links; link != nullptr && link->if_index != 0; ++link)
        names.push_back(link->if_name);
      if_freenameindex(links);
      EXPECT_THAT(names, testing::ElementsAre("lo"));
      return absl::OkStatus();
    });
    EXPECT_TRUE(looked.ok()) << looked;
    const auto shown = RunProgram(*host_, {.argv = {kNetpolctl, "show"}});
    ASSERT_TRUE(shown.ok()) << shown.status();
    EXPECT_EQ(shown->exit_code, 0) << shown->err;
    EXPECT_THAT(shown->out, Not(HasSubstr("KUBE-")));
  }

  absl::optional<NetNs> host_;
  std::string folder_;
};

TEST_F(DemoTest, TellsItsStoryEndsByItselfAndLeavesNothing) {
  const auto result = RunProgram(*host_, Demo());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 0) << result->out << result->err;
  EXPECT_THAT(result->out, HasSubstr("[8/8]"));
  EXPECT_THAT(result->out, HasSubstr("All as the API defines it."));
  EXPECT_THAT(result->err, IsEmpty());
  ExpectNothingIsLeft();
  // Neither a terminal nor UTF-8 here.
  EXPECT_TRUE(std::all_of(result->out.begin(), result->out.end(), [](char c) {
    return c == '\n' || (c >= ' ' && c <= '~');
  })) << result->out;
  for (absl::string_view line : absl::StrSplit(result->out, '\n'))
    EXPECT_LE(line.size(), 100u) << line;
}

// Reads what comes through `pipe` until `text` did; false after some seconds.
bool AwaitText(int pipe, absl::string_view text) {
  const absl::Time end = absl::Now() + absl::Seconds(30);
  std::string read_so_far;
  while (!absl::StrContains(read_so_far, text)) {
    const int64_t left = absl::ToInt64Milliseconds(end - absl::Now());
    pollfd wait = {pipe, POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return false;
    char buffer[4096];
    const ssize_t size = read(pipe, buffer, sizeof(buffer));
    if (size > 0) read_so_far.append(buffer, static_cast<size_t>(size));
  }
  return true;
}

TEST_F(DemoTest, InterruptTakesEverythingDown) {
  const std::string path = folder_ + "/screen";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor pipe(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(pipe.valid());
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    SCOPED_TRACE(strsignal(signal));
    const auto demo = NodeProcess::Start(*host_, Demo(), path);
    ASSERT_TRUE(demo.ok()) << demo.status();
    ASSERT_TRUE(AwaitText(pipe.get(), "[4/8]"));
    ASSERT_EQ(kill((*demo)->pid(), signal), 0);
    const absl::StatusOr<int> exit_code = (*demo)->Wait(absl::Seconds(30));
    ASSERT_TRUE(exit_code.ok()) << exit_code.status();
    EXPECT_EQ(*exit_code, 128 + signal);
    ASSERT_TRUE(AwaitText(pipe.get(), "interrupted"));
    ExpectNothingIsLeft();
  }
}

TEST_F(DemoTest, WithoutPrivilegesItSaysWhatToDo) {
  const auto result =
      RunProgram(*host_, Demo({"setpriv", "--bounding-set=-all"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 1);
  EXPECT_THAT(result->out, IsEmpty());
  EXPECT_THAT(result->err, HasSubstr("run it with sudo"));
  ExpectNothingIsLeft();
}

}  // namespace
}  // namespace netpol
