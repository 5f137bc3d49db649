#include "tests/kernel/lab/node_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

class NodeProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<NetNs> ns = NetNs::Create();
    if (!ns.ok()) GTEST_SKIP() << "needs root: " << ns.status();
    ns_ = std::make_unique<NetNs>(*std::move(ns));
  }

  ProgramResult Run(const Program& program) {
    absl::StatusOr<ProgramResult> result = RunProgram(*ns_, program);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : ProgramResult{-1, "", ""};
  }

  std::unique_ptr<NetNs> ns_;
};

TEST_F(NodeProcessTest, ResultHoldsExitCodeAndBothOutputs) {
  const ProgramResult result =
      Run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 7"}});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(NodeProcessTest, MoreInputThanAPipeHoldsGoesThrough) {
  const std::string input(3 << 20, 'x');
  EXPECT_EQ(Run({.argv = {"cat"}, .input = input}).out, input);
}

TEST_F(NodeProcessTest, InputNobodyReadsIsNoError) {
  EXPECT_EQ(
      Run({.argv = {"true"}, .input = std::string(3 << 20, 'x')}).exit_code, 0);
}

TEST_F(NodeProcessTest, EnvironmentReplacesOurs) {
  const ProgramResult result =
      Run({.argv = {"sh", "-c", "echo $HOME:$LAB"},
           .environment = {"HOME=/nowhere", "LAB=yes"}});
  EXPECT_EQ(result.out, "/nowhere:yes\n");
}

TEST_F(NodeProcessTest, ProgramSeesOnlyItsNamespace) {
  ASSERT_TRUE(
      ns_->Run([] { return WriteSysctl("net/ipv4/ip_default_ttl", "77"); })
          .ok());
  EXPECT_EQ(Run({.argv = {"cat", "/proc/sys/net/ipv4/ip_default_ttl"}}).out,
            "77\n");
}

TEST_F(NodeProcessTest, TooLongARunIsKilled) {
  const absl::Time start = absl::Now();
  const absl::StatusOr<ProgramResult> result = RunProgram(
      *ns_, {.argv = {"sleep", "100"}, .limit = absl::Milliseconds(50)});
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(50));
}

TEST_F(NodeProcessTest, MissingProgramIsAnErrorWithItsName) {
  absl::Status status =
      RunProgram(*ns_, {.argv = {"no-such-program"}}).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  status = RunProgram(*ns_, {.argv = {"/no/such/program"}}).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("/no/such/program"), absl::string_view::npos);
}

TEST_F(NodeProcessTest, BackgroundProgramEndsWhenTerminated) {
  auto process = NodeProcess::Start(*ns_, {.argv = {"sleep", "1000"}}, "");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      (*process)->Wait(absl::ZeroDuration()).status()));
  const absl::StatusOr<int> code = (*process)->Terminate(absl::Seconds(30));
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 128 + SIGTERM);
  EXPECT_EQ(*(*process)->Wait(absl::ZeroDuration()), 128 + SIGTERM);
}

TEST_F(NodeProcessTest, OutputOfABackgroundProgramGoesToItsLog) {
  const std::string log = testing::TempDir() + "/node_process_output.log";
  unlink(log.c_str());
  auto process = NodeProcess::Start(
      *ns_, {.argv = {"sh", "-c", "echo up; echo no >&2"}}, log);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(*(*process)->Wait(absl::Seconds(30)), 0);
  std::ifstream file(log);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "up\nno\n");
}

TEST_F(NodeProcessTest, BackgroundProgramDiesWithItsHandle) {
  auto process = NodeProcess::Start(*ns_, {.argv = {"sleep", "1000"}}, "");
  ASSERT_TRUE(process.ok()) << process.status();
  const pid_t pid = (*process)->pid();
  EXPECT_EQ(kill(pid, 0), 0);
  process->reset();
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

}  // namespace
}  // namespace netpol
