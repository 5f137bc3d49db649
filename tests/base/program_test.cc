#include "netpol/base/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr char kShell[] = "/bin/sh";

TEST(ProgramTest, IsFedAndHeardOut) {
  // More than a pipe holds.
  const std::string text(1 << 20, 'x');
  const absl::StatusOr<std::string> out = OutputOf({"/bin/cat"}, text);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(*out, text);
}

TEST(ProgramTest, AnExitCodeIsAResultAndAnErrorOfOutputOf) {
  const absl::StatusOr<CommandResult> result =
      RunCommand({kShell, "-c", "echo why >&2; exit 3"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->exit_known);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->err, "why\n");
  EXPECT_THAT(
      std::string(
          OutputOf({kShell, "-c", "echo why >&2; exit 3"}).status().message()),
      HasSubstr("ended with 3: why"));
}

TEST(ProgramTest, ASignalThatEndsItIsAResult) {
  const absl::StatusOr<CommandResult> result =
      RunCommand({kShell, "-c", "kill -TERM $$"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 128 + SIGTERM);
}

TEST(ProgramTest, OneThatIsNotThereIsAnError) {
  EXPECT_THAT(std::string(RunCommand({"/no/such/program"}).status().message()),
              HasSubstr("/no/such/program"));
}

TEST(ProgramTest, IsStoppedWhenItHasUsedItsCpuTime) {
  CommandLimits limits;
  limits.cpu = absl::Seconds(1);
  const absl::Status status =
      RunCommand({kShell, "-c", "while :; do :; done"}, "", limits).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CPU time"));
}

TEST(ProgramTest, IsKilledAtItsDeadline) {
  CommandLimits limits;
  limits.wall = absl::Milliseconds(50);
  // Deaf to anything milder.
  const absl::StatusOr<CommandResult> result = RunCommand(
      {kShell, "-c", "trap '' TERM INT; while :; do sleep 100; done"}, "",
      limits);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(kShell));
}

TEST(ProgramTest, ADeadlineThatIsNotReachedChangesNothing) {
  CommandLimits limits;
  limits.wall = absl::Minutes(5);
  const absl::StatusOr<CommandResult> result =
      RunCommand({kShell, "-c", "cat; exit 4"}, "in", limits);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 4);
  EXPECT_EQ(result->out, "in");
}

TEST(ProgramTest, HasSignalsAsAFreshProcess) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const absl::StatusOr<std::string> out =
      OutputOf({"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"});
  sigset_t after;
  sigprocmask(SIG_SETMASK, &before, &after);
  signal(SIGPIPE, SIG_DFL);
  ASSERT_TRUE(out.ok()) << out.status();
  // But for the C library's own two, 32 and 33.
  EXPECT_THAT(*out,
              MatchesRegex("SigBlk:\t0{16}\nSigIgn:\t0{7}[01][08]0{7}\n"));
  EXPECT_EQ(sigismember(&after, SIGTERM), 1) << "ours stay as they were";
}

TEST(ProgramTest, HasNoneOfOurDescriptors) {
  const int leak = open("/dev/null", O_RDONLY);
  ASSERT_GT(leak, 2);
  ASSERT_GT(fcntl(leak, F_DUPFD, 500), 2);
  const absl::StatusOr<std::string> out =
      OutputOf({kShell, "-c", "ls /proc/$$/fd"});
  close(leak);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(*out, "0\n1\n2\n");
}

TEST(ProgramTest, WorksWithoutStandardDescriptors) {
  const auto check = [] {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    const absl::StatusOr<std::string> out = OutputOf({"/bin/cat"}, "text");
    _exit(out.ok() && *out == "text" ? 0 : 1);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST(ProgramTest, WhoIgnoresItsChildrenLearnsWhatIsKnown) {
  const auto check = [](absl::Duration wall) {
    signal(SIGCHLD, SIG_IGN);
    CommandLimits limits;
    limits.wall = wall;
    const absl::StatusOr<CommandResult> result =
        RunCommand({kShell, "-c", "echo said; exit 3"}, "", limits);
    _exit(result.ok() && !result->exit_known && result->out == "said\n" ? 0
                                                                        : 1);
  };
  EXPECT_EXIT(check(absl::InfiniteDuration()), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(check(absl::Minutes(5)), testing::ExitedWithCode(0), "");
}

// The host's end is told by the program's own, which holds the pipe open.
TEST(ProgramTest, DiesWithUs) {
  const std::string fifo = absl::StrCat(testing::TempDir(), "/fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const pid_t host = fork();
  if (host == 0) {
    (void)RunCommand(
        {kShell, "-c", absl::StrCat("exec >", fifo, "; echo; exec sleep 600")});
    _exit(0);
  }
  const int reader = open(fifo.c_str(), O_RDONLY);
  char text[2];
  ASSERT_EQ(read(reader, text, sizeof(text)), 1);
  kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  EXPECT_EQ(read(reader, text, sizeof(text)), 0) << "nobody writes any more";
  close(reader);
  unlink(fifo.c_str());
}

TEST(ProgramTest, IsFoundInPathFirstThenInTheSystemsFolders) {
  const std::string folder = testing::TempDir();
  const std::string mine = absl::StrCat(folder, "/ls");
  ASSERT_EQ(symlink("/bin/true", mine.c_str()), 0);
  setenv("PATH", folder.c_str(), 1);
  const absl::StatusOr<std::string> ls = FindProgram("ls");
  const absl::StatusOr<std::string> cat = FindProgram("cat");
  const absl::StatusOr<std::string> none = FindProgram("no-such-program");
  unlink(mine.c_str());
  ASSERT_TRUE(ls.ok()) << ls.status();
  EXPECT_EQ(*ls, mine);
  ASSERT_TRUE(cat.ok()) << cat.status();
  EXPECT_EQ(*cat, "/usr/bin/cat");
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("/usr/sbin"));
}

TEST(ProgramTest, APathIsTakenAsItIs) {
  EXPECT_EQ(FindProgram("/bin/cat").value_or(""), "/bin/cat");
  EXPECT_EQ(FindProgram("/bin").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace netpol
