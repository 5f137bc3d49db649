// A whole cluster of 100,000 pods listed from a real kube-apiserver: how long
// that takes beside the same bytes read by libcurl alone, and what the daemon
// keeps in memory. Needs root, and the programs of tests/apiserver.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/live/followed_server.h"
#include "bench/live/loopback.h"
#include "bench/live/stored_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/workload.h"
#include "netpol/watch/kube/http_client.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/control_plane.h"
#include "tests/apiserver/kubeconfig_writer.h"

namespace netpol {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(3);
// Until a daemon at rest has given back what it needed at its start.
constexpr absl::Duration kRest = absl::Seconds(10);
constexpr int kRuns = 3;
constexpr char kDaemon[] = "netpol/daemon/netpolctl";

// "L", or "L_few_policies": the same pods with a tenth of the policies.
WorkloadShape ShapeOf(const std::string& cluster) {
  WorkloadShape shape = NamedWorkload("L");
  if (cluster == "L") return shape;
  shape.policies /= 10;
  shape.near_policies /= 10;
  return shape;
}

// The server that has `cluster`; it runs until another one is asked for.
absl::StatusOr<ControlPlane*> ServerWith(const std::string& cluster) {
  static std::string* const had = new std::string();
  static auto* const server = new std::unique_ptr<ControlPlane>();
  if (*had == cluster) return server->get();
  had->clear();
  server->reset();
  RETURN_IF_ERROR(RaiseLoopback());
  ASSIGN_OR_RETURN(*server, ControlPlane::Start());
  RETURN_IF_ERROR(StoreWorkload(ShapeOf(cluster), 1, **server));
  *had = cluster;
  return server->get();
}

// ---- The time of the list.

// Counts what comes, and keeps nothing.
class Counter : public HttpSink {
 public:
  void OnHead(const HttpHead& head) override { status_ = head.status; }
  absl::Status OnBody(absl::string_view bytes) override {
    bytes_ += bytes.size();
    // A stream goes on behind its list.
    static constexpr absl::string_view kEnd = "k8s.io/initial-events-end";
    end_.append(bytes.data(), bytes.size());
    const bool over =
        memmem(end_.data(), end_.size(), kEnd.data(), kEnd.size()) != nullptr;
    if (end_.size() > kEnd.size()) end_.erase(0, end_.size() - kEnd.size());
    return over ? absl::AbortedError("the list is over") : absl::OkStatus();
  }
  void OnDone(const absl::Status& status) override {
    done_ = true;
    if (!status.ok() && !absl::IsAborted(status)) std::cerr << status << "\n";
  }

  int status_ = 0;
  size_t bytes_ = 0;
  bool done_ = false;

 private:
  std::string end_;  // What came last: the mark may be cut in two.
};

struct Reading {
  absl::Duration time;
  size_t bytes = 0;
};

absl::StatusOr<Reading> ReadBare(const ControlPlane& server, bool stream) {
  HttpClientOptions options;
  options.user_agent = "netpol-benchmark/1";
  options.no_proxy = true;
  ASSIGN_OR_RETURN(const auto client, HttpClient::Create(options));
  Credentials credentials;
  credentials.authorization =
      absl::StrCat("Bearer ", server.AdminAccess().token);
  credentials.certificate_authority_pem = server.ca_pem();
  HttpRequest request;
  request.url = absl::StrCat(
      server.url(), "/api/v1/pods?",
      stream ? "watch=1&sendInitialEvents=true&allowWatchBookmarks=1&"
               "resourceVersionMatch=NotOlderThan&timeoutSeconds=300"
             : "limit=500&resourceVersion=0",
      "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
  request.accept = "application/vnd.kubernetes.protobuf";
  Counter counter;
  const absl::Time begin = absl::Now();
  client->Start(request, credentials, &counter);
  pollfd ready = {client->fd(), POLLIN, 0};
  while (!counter.done_ && absl::Now() - begin < kPatience) {
    client->Run();
    if (!counter.done_) poll(&ready, 1, 100);
  }
  if (counter.status_ != 200)
    return absl::InternalError(absl::StrCat("HTTP ", counter.status_));
  return Reading{absl::Now() - begin, counter.bytes_};
}

// From nothing until all pods are told; who is told keeps nothing.
absl::StatusOr<absl::Duration> ReadBySource(const ControlPlane& server,
                                            bool stream) {
  KubeSourceOptions options = SourceOf(server);
  options.stream_lists = stream;
  ASSIGN_OR_RETURN(const auto source, KubeSource::Create(options));
  bool listed = false;
  std::string problem;
  const absl::Time begin = absl::Now();
  while (!listed && problem.empty() && absl::Now() - begin < kPatience) {
    const absl::Status status = source->Poll(
        absl::Seconds(1),
        [&](const v1::WatchEvent& event) {
          listed = listed || (event.type() == v1::WatchEvent::LISTED &&
                              event.listed_kind() == v1::WatchEvent::POD);
        },
        [&](const SourceProblem& p) { problem = p.ToString(); });
    if (!status.ok()) problem = std::string(status.message());
  }
  if (!listed) return absl::InternalError("not listed: " + problem);
  return absl::Now() - begin;
}

void ListPods(benchmark::State& state, bool stream) {
  for (auto _ : state) {
    const absl::StatusOr<ControlPlane*> server = ServerWith("L");
    if (!server.ok())
      return state.SkipWithError(
          std::string(server.status().message()).c_str());
    Reading bare{absl::InfiniteDuration(), 0};
    absl::Duration ours = absl::InfiniteDuration();
    for (int i = 0; i < kRuns; ++i) {
      const absl::StatusOr<Reading> reading = ReadBare(**server, stream);
      const absl::StatusOr<absl::Duration> read =
          ReadBySource(**server, stream);
      if (!reading.ok() || !read.ok()) {
        return state.SkipWithError(
            absl::StrCat(reading.status().message(), read.status().message())
                .c_str());
      }
      bare.bytes = reading->bytes;
      bare.time = std::min(bare.time, reading->time);
      ours = std::min(ours, *read);
    }
    state.counters["list_s"] = absl::ToDoubleSeconds(ours);
    state.counters["bare_s"] = absl::ToDoubleSeconds(bare.time);
    state.counters["ratio"] = absl::FDivDuration(ours, bare.time);
    state.counters["mib"] = static_cast<double>(bare.bytes) / (1 << 20);
  }
}
BENCHMARK_CAPTURE(ListPods, pages, false)->Iterations(1);
BENCHMARK_CAPTURE(ListPods, stream, true)->Iterations(1);

// ---- The memory of the daemon.

double StatusMib(pid_t pid, absl::string_view field) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    double kib = 0;
    if (parts.first == field &&
        absl::SimpleAtod(absl::StripSuffix(parts.second, " kB"), &kib)) {
      return kib / 1024;
    }
  }
  return 0;
}

double CpuSeconds(pid_t pid) {
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(text.rfind(')') + 2), ' ');
  double user = 0;
  double system = 0;
  if (fields.size() < 13 || !absl::SimpleAtod(fields[11], &user) ||
      !absl::SimpleAtod(fields[12], &system)) {
    return 0;
  }
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// A daemon of its own process, ended by the end of this object.
class Daemon {
 public:
  Daemon(const ControlPlane& server, const std::string& kubeconfig)
      : log_(server.folder() + "/netpolctl.log") {
    const std::vector<std::string> words = {
        kDaemon,
        "run",
        "--kubeconfig=" + kubeconfig,
        absl::StrCat("--hostname-override=", kWorkloadNode),
        "--health-port=0",
        "--run-lock=" + server.folder() + "/run.lock",
        "--control-socket=" + server.folder() + "/control.sock"};
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(open(log_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), 2);
      execv(kDaemon, argv.data());
      _exit(127);
    }
  }
  ~Daemon() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return pid_; }
  std::string Log() const {
    std::ifstream file(log_);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }
  bool AwaitReady() const {
    const absl::Time end = absl::Now() + kPatience;
    while (absl::Now() < end) {
      if (absl::StrContains(Log(), " ready\n")) return true;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return false;
  }

 private:
  std::string log_;
  pid_t pid_ = 0;
};

void DaemonMemory(benchmark::State& state, const std::string& cluster) {
  for (auto _ : state) {
    const absl::StatusOr<ControlPlane*> server = ServerWith(cluster);
    if (!server.ok())
      return state.SkipWithError(
          std::string(server.status().message()).c_str());
    const std::string kubeconfig = (*server)->folder() + "/bench.kubeconfig";
    KubeconfigContent content;
    content.server = (*server)->url();
    content.ca_file = (*server)->ca_file();
    content.token = (*server)->AdminAccess().token;
    const absl::Status written = WriteKubeconfig(content, kubeconfig);
    if (!written.ok())
      return state.SkipWithError(std::string(written.message()).c_str());
    const absl::Time begin = absl::Now();
    const Daemon daemon(**server, kubeconfig);
    if (!daemon.AwaitReady())
      return state.SkipWithError(("not ready: " + daemon.Log()).c_str());
    state.counters["ready_s"] = absl::ToDoubleSeconds(absl::Now() - begin);
    state.counters["start_cpu_s"] = CpuSeconds(daemon.pid());
    absl::SleepFor(kRest);
    state.counters["rss_mib"] = StatusMib(daemon.pid(), "VmRSS");
    state.counters["rss_anon_mib"] = StatusMib(daemon.pid(), "RssAnon");
    state.counters["peak_mib"] = StatusMib(daemon.pid(), "VmHWM");
    if (cluster != "L") continue;
    // A minute of nothing, and a minute without a server.
    double cpu = CpuSeconds(daemon.pid());
    absl::SleepFor(absl::Minutes(1));
    state.counters["idle_cpu_ms_per_min"] =
        1000 * (CpuSeconds(daemon.pid()) - cpu);
    if (!(*server)->StopServer().ok())
      return state.SkipWithError("the server does not stop");
    cpu = CpuSeconds(daemon.pid());
    absl::SleepFor(absl::Minutes(1));
    state.counters["outage_cpu_ms_per_min"] =
        1000 * (CpuSeconds(daemon.pid()) - cpu);
  }
}
BENCHMARK_CAPTURE(DaemonMemory, L, "L")->Iterations(1);
BENCHMARK_CAPTURE(DaemonMemory, L_few_policies, "L_few_policies")
    ->Iterations(1);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
