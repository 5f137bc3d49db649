#include "tests/apiserver/daemon_fixture.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "httplib.h"

namespace netpol {
namespace {

constexpr char kBinary[] = "netpol/daemon/netpolctl";
constexpr absl::Duration kPatience = absl::Seconds(100);

bool Await(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}

}  // namespace

void DaemonTest::SetUp() {
  if (!MayMakeNamespaces())
    GTEST_SKIP() << "needs root for a network namespace of its own";
  ServerTest::SetUp();
  if (HasFatalFailure()) return;
  ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
  absl::StatusOr<NetNs> ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  ns_ = *std::move(ns);
  Program loopback;
  loopback.argv = {"ip", "link", "set", "lo", "up"};
  ASSERT_TRUE(RunProgram(*ns_, loopback).ok());
  auto way = TcpRelay::Create(server().port(), *ns_);
  ASSERT_TRUE(way.ok()) << way.status();
  way_ = *std::move(way);
  std::string pattern = "/tmp/netpolctl.XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  kubeconfig_.server = way_->url();
  kubeconfig_.ca_file = Put("ca.crt", server().ca_pem());
  kubeconfig_.token_file = Put("token", server().AdminAccess().token);
}

void DaemonTest::TearDown() {
  if (HasFailure() && daemon_ != nullptr)
    std::cerr << "the daemon's log:\n" << Log();
  daemon_.reset();
  way_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string DaemonTest::Put(const std::string& name, const std::string& text) {
  const std::string path = absl::StrCat(folder_, "/", name);
  Succeed(ReplaceFile(path, text));
  return path;
}

Program DaemonTest::Netpolctl(std::vector<std::string> arguments) const {
  Program program;
  program.argv = std::move(arguments);
  program.argv.insert(program.argv.begin(), kBinary);
  program.environment = {
      absl::StrCat("XTABLES_LOCKFILE=", folder_, "/xtables.lock")};
  return program;
}

void DaemonTest::StartDaemon(const std::vector<std::string>& more) {
  Succeed(WriteKubeconfig(kubeconfig_, kubeconfig_path()));
  std::vector<std::string> arguments = {
      "run",
      absl::StrCat("--kubeconfig=", kubeconfig_path()),
      absl::StrCat("--hostname-override=", node_),
      "--enable-ipv6",
      // Where KernelText() looks.
      "--iptables-backend=legacy",
      "--health-addr=127.0.0.1",
      absl::StrCat("--run-lock=", folder_, "/run.lock"),
      absl::StrCat("--control-socket=", folder_, "/control")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::error_code ignored;
  std::filesystem::remove(folder_ + "/log", ignored);
  auto daemon = NodeProcess::Start(*ns_, Netpolctl(std::move(arguments)),
                                   folder_ + "/log");
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_ = *std::move(daemon);
}

void DaemonTest::StopDaemon() {
  const absl::StatusOr<int> ended = daemon_->Terminate(absl::Seconds(60));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 0) << Log();
  daemon_.reset();
}

bool DaemonTest::IsAlive() {
  return absl::IsDeadlineExceeded(daemon_->Wait(absl::ZeroDuration()).status());
}

void DaemonTest::EnforceEarlier() {
  ASSERT_NO_FATAL_FAILURE(StartDaemon());
  ASSERT_NO_FATAL_FAILURE(AwaitMember("10.42.1.1"));
  ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
  ASSERT_NO_FATAL_FAILURE(StopDaemon());
}

std::string DaemonTest::Log() const {
  std::ifstream file(folder_ + "/log");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string DaemonTest::AwaitLog(absl::string_view text) {
  std::string found;
  const bool there = Await([&] {
    const std::string log = Log();
    for (absl::string_view line : absl::StrSplit(log, '\n')) {
      if (!absl::StrContains(line, text)) continue;
      found = std::string(line);
      return true;
    }
    return !IsAlive();  // No more comes.
  });
  EXPECT_TRUE(there && !found.empty()) << "no line has \"" << text << "\":\n"
                                       << Log();
  return found;
}

DaemonTest::Page DaemonTest::Get(const std::string& path) const {
  Page page;
  const absl::Status asked = ns_->Run([&] {
    httplib::Client client("127.0.0.1", 20244);
    const httplib::Result result = client.Get(path);
    if (result) page = {result->status, result->body};
    return absl::OkStatus();
  });
  EXPECT_TRUE(asked.ok()) << asked;
  return page;
}

void DaemonTest::AwaitUnhealthy(const std::vector<std::string>& words) {
  Page page;
  const bool unhealthy = Await([&] {
    page = Get("/healthz");
    return page.status == 500 &&
           std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) {
                         return absl::StrContains(page.body, word);
                       });
  });
  ASSERT_TRUE(unhealthy) << "not unhealthy with \""
                         << absl::StrJoin(words, "\", \"")
                         << "\": " << page.status << " " << page.body;
}

void DaemonTest::AwaitHealthy() {
  Page health, ready;
  const bool well = Await([&] {
    health = Get("/healthz");
    ready = Get("/readyz");
    return health.status == 200 && ready.status == 200;
  });
  ASSERT_TRUE(well) << health.body << ready.body << Log();
}

void DaemonTest::AwaitMember(const std::string& address) {
  const bool there = Await([&] {
    return absl::StrContains(KernelText(), absl::StrCat(" ", address, "\n"));
  });
  ASSERT_TRUE(there) << address << " is in no set:\n" << KernelText() << Log();
}

std::string DaemonTest::KernelText() const {
  std::string text;
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{"iptables-legacy-save", "-t", "filter"},
        {"ip6tables-legacy-save", "-t", "filter"},
        {"ipset", "save", "-sorted"}}) {
    Program program;
    program.argv = argv;
    program.environment = {
        absl::StrCat("XTABLES_LOCKFILE=", folder_, "/xtables.lock")};
    const absl::StatusOr<ProgramResult> result = RunProgram(*ns_, program);
    EXPECT_TRUE(result.ok() && result->exit_code == 0) << argv[0];
    if (!result.ok()) continue;
    // Comments hold the time, and the chains' own lines counters.
    for (absl::string_view line : absl::StrSplit(result->out, '\n')) {
      if (absl::StartsWith(line, "#")) continue;
      if (absl::StartsWith(line, ":")) line = line.substr(0, line.find('['));
      absl::StrAppend(&text, line, "\n");
    }
  }
  return text;
}

}  // namespace netpol
