#include "tests/daemon/netpolctl_lab.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/daemon/small_cluster.h"

namespace netpol {
namespace {

constexpr char kBinary[] = "netpol/daemon/netpolctl";

// Comments of the save programs hold the time.
std::string WithoutComments(const std::string& text) {
  std::string kept;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "#")) absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

}  // namespace

void NetpolctlTest::SetUp() {
  if (!MayMakeNamespaces())
    GTEST_SKIP() << "needs root for a network namespace of its own";
  absl::StatusOr<NetNs> ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  ns_ = *std::move(ns);
  std::string pattern = absl::StrCat(testing::TempDir(), "/netpolctl.XXXXXX");
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  std::string short_pattern = "/tmp/netpolctl.XXXXXX";
  ASSERT_NE(mkdtemp(short_pattern.data()), nullptr);
  socket_folder_ = short_pattern;
  ASSERT_EQ(mkdir(manifests().c_str(), 0755), 0);
}

void NetpolctlTest::TearDown() {
  daemon_.reset();
  std::error_code ignored;
  for (const std::string& folder : {folder_, socket_folder_})
    if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
}

Program NetpolctlTest::Command(std::vector<std::string> arguments) const {
  Program program;
  program.argv = std::move(arguments);
  program.argv.insert(program.argv.begin(), kBinary);
  program.environment = {absl::StrCat("XTABLES_LOCKFILE=", xtables_lock())};
  return program;
}

ProgramResult NetpolctlTest::Netpolctl(std::vector<std::string> arguments) {
  absl::StatusOr<ProgramResult> result =
      RunProgram(*ns_, Command(std::move(arguments)));
  if (result.ok()) return *std::move(result);
  ADD_FAILURE() << result.status();
  return ProgramResult{-1, "", ""};
}

std::vector<std::string> NetpolctlTest::EnforceArguments(
    const std::string& command, std::vector<std::string> more) {
  std::vector<std::string> arguments = {command, "--manifests", manifests(),
                                        "--hostname-override=node-a"};
  if (command != "plan")
    arguments.push_back(absl::StrCat("--run-lock=", run_lock()));
  if (command == "run")
    arguments.push_back(absl::StrCat("--control-socket=", control_socket()));
  constexpr absl::string_view kBackend = "--iptables-backend=";
  const bool chosen =
      std::any_of(more.begin(), more.end(), [&](const std::string& argument) {
        return absl::StartsWith(argument, kBackend);
      });
  // Where the tests look.
  if (!chosen) arguments.push_back(absl::StrCat(kBackend, "legacy"));
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

ProgramResult NetpolctlTest::Enforce(const std::string& command,
                                     std::vector<std::string> more) {
  return Netpolctl(EnforceArguments(command, std::move(more)));
}

std::string NetpolctlTest::Tool(std::vector<std::string> argv) {
  Program program;
  program.argv = std::move(argv);
  program.environment = {absl::StrCat("XTABLES_LOCKFILE=", xtables_lock())};
  const absl::StatusOr<ProgramResult> result = RunProgram(*ns_, program);
  const std::string line = absl::StrJoin(program.argv, " ");
  if (!result.ok()) {
    ADD_FAILURE() << line << ": " << result.status();
    return "";
  }
  EXPECT_EQ(result->exit_code, 0) << line << "\n" << result->err;
  return result->out;
}

std::string NetpolctlTest::FilterTable() {
  return WithoutComments(Tool({"iptables-legacy-save", "-t", "filter"}));
}

std::string NetpolctlTest::KernelText() {
  std::string text;
  for (const char* save : {"iptables-legacy-save", "ip6tables-legacy-save"})
    absl::StrAppend(&text, WithoutComments(Tool({save, "-c", "-t", "filter"})));
  absl::StrAppend(&text, Tool({"ipset", "save", "-sorted"}));
  return text;
}

void NetpolctlTest::Write(const std::string& name, absl::string_view text) {
  // As editors do: never half a file.
  const std::string path = absl::StrCat(manifests(), "/", name);
  const std::string draft = absl::StrCat(folder_, "/draft");
  std::ofstream(draft) << text;
  ASSERT_EQ(rename(draft.c_str(), path.c_str()), 0);
}

void NetpolctlTest::Remove(const std::string& name) {
  ASSERT_EQ(unlink(absl::StrCat(manifests(), "/", name).c_str()), 0);
}

void NetpolctlTest::WriteSmallCluster() {
  Write("cluster.yaml", kSmallCluster);
}

void NetpolctlTest::StartDaemon(std::vector<std::string> more) {
  // The log is a pipe with a name, so that waiting for a line needs no sleep.
  const std::string path = folder_ + "/log";
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  log_pipe_ = FileDescriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(log_pipe_.valid());
  absl::StatusOr<std::unique_ptr<NodeProcess>> daemon = NodeProcess::Start(
      *ns_, Command(EnforceArguments("run", std::move(more))), path);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_ = *std::move(daemon);
}

absl::optional<std::string> NetpolctlTest::AwaitLog(absl::string_view text,
                                                    absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  while (true) {
    for (size_t line_end;
         (line_end = log_.find('\n', log_seen_)) != std::string::npos;) {
      std::string line = log_.substr(log_seen_, line_end - log_seen_);
      log_seen_ = line_end + 1;
      if (absl::StrContains(line, text)) return line;
    }
    const int64_t left = absl::ToInt64Milliseconds(end - absl::Now());
    pollfd wait = {log_pipe_.get(), POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0)
      return absl::nullopt;
    char buffer[4096];
    const ssize_t size = read(log_pipe_.get(), buffer, sizeof(buffer));
    if (size > 0) log_.append(buffer, static_cast<size_t>(size));
  }
}

}  // namespace netpol
