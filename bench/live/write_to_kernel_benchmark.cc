// From the API write of a pod's address to the kernel: a real kube-apiserver
// and etcd on this machine, the daemon's own parts in this process. Needs root,
// and the programs of tests/apiserver.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/engine/step_figures.h"
#include "bench/live/followed_server.h"
#include "bench/live/loopback.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/enforcer/enforcer.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/workload.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

using nlohmann::json;

constexpr int kWrites = 500;
constexpr std::chrono::seconds kPatience(60);
constexpr char kSpace[] = "latency";

// When the kernel was last written to.
class Syncs {
 public:
  void OnSynced(const SyncReport& report) {
    const absl::Time now = absl::Now();
    const std::lock_guard<std::mutex> lock(mutex_);
    ++syncs_;
    members_ += report.members_added;
    last_ = now;
    changed_.notify_all();
  }
  // When so many members, ever, had been added to sets.
  absl::StatusOr<absl::Time> AwaitMembers(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (changed_.wait_for(lock, kPatience, [&] { return members_ >= count; }))
      return last_;
    return absl::DeadlineExceededError(
        "the pod's address is not in the kernel");
  }
  absl::Status AwaitFirst() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (changed_.wait_for(lock, kPatience, [&] { return syncs_ > 0; }))
      return absl::OkStatus();
    return absl::DeadlineExceededError("nothing was synced");
  }
  int members() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return members_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int syncs_ = 0;
  int members_ = 0;
  absl::Time last_;
};

std::string Client(int number) { return absl::StrCat("client-", number); }

// A local pod that allows the clients, and these, without addresses yet.
absl::Status WriteClients(ApiWriter& writer) {
  RETURN_IF_ERROR(writer.ApplyEvent(Upsert(MakeNamespace(kSpace))));
  RETURN_IF_ERROR(writer.ApplyEvent(Upsert(PodBuilder(kSpace, "server")
                                               .On(kWorkloadNode)
                                               .Ip("10.250.0.1")
                                               .Label("app", "server")
                                               .Build())));
  RETURN_IF_ERROR(writer.ApplyEvent(
      Upsert(PolicyBuilder(kSpace, "allow-clients")
                 .Selects({{"app", "server"}})
                 .Ingress({PodPeer(MatchLabels({{"app", "client"}}))})
                 .Build())));
  return InParallel(kWrites, 4, [&](size_t i) {
    return writer.ApplyEvent(
        Upsert(PodBuilder(kSpace, Client(static_cast<int>(i)))
                   .On("node-1")
                   .Label("app", "client")
                   .Build()));
  });
}

json AddressPatch(int number) {
  const std::string ip =
      absl::StrCat("10.251.", number / 250, ".", number % 250 + 1);
  return {{"status",
           {{"phase", "Running"},
            {"podIP", ip},
            {"podIPs", json::array({{{"ip", ip}}})}}}};
}

struct Measured {
  std::vector<absl::Duration> to_kernel;
  std::vector<absl::Duration> to_answer;  // of the API server to the writer
};

absl::StatusOr<Measured> Write(ApiWriter& writer, Syncs& syncs) {
  Measured measured;
  for (int i = 0; i < kWrites; ++i) {
    const int members = syncs.members();
    const json pod = ObjectName("v1", "Pod", kSpace, Client(i));
    const absl::Time begin = absl::Now();
    RETURN_IF_ERROR(writer.Patch(pod, AddressPatch(i), "status"));
    measured.to_answer.push_back(absl::Now() - begin);
    ASSIGN_OR_RETURN(const absl::Time end, syncs.AwaitMembers(members + 1));
    measured.to_kernel.push_back(end - begin);
    // As changes come, not as fast as they can.
    absl::SleepFor(absl::Milliseconds(10));
  }
  return measured;
}

absl::StatusOr<std::unique_ptr<Enforcer>> StartEnforcer(
    const ControlPlane& control_plane, Syncs& syncs) {
  const KubeSourceOptions source = SourceOf(control_plane);
  ASSIGN_OR_RETURN(auto made, KubeSource::Create(source));
  EnforcerOptions options;
  options.controller.node_name = source.node_name;
  options.controller.require_node = true;
  EnforcerCallbacks callbacks;
  callbacks.log = [](LogLevel level, absl::string_view line) {
    if (level >= LogLevel::kWarning) std::cerr << line << "\n";
  };
  callbacks.on_synced = [&syncs](const SyncReport& report) {
    syncs.OnSynced(report);
  };
  return Enforcer::Start(options, std::move(made), callbacks);
}

absl::StatusOr<Measured> Measure() {
  RETURN_IF_ERROR(RaiseLoopback());
  ASSIGN_OR_RETURN(const auto control_plane, ControlPlane::Start());
  ApiWriter writer(control_plane->AdminAccess());
  RETURN_IF_ERROR(writer.ApplyCluster(MakeWorkload(NamedWorkload("S"), 1)));
  RETURN_IF_ERROR(WriteClients(writer));
  Syncs syncs;
  ASSIGN_OR_RETURN(const auto enforcer, StartEnforcer(*control_plane, syncs));
  RETURN_IF_ERROR(syncs.AwaitFirst());
  auto measured = Write(writer, syncs);
  enforcer->Stop();
  return measured;
}

void ApiWriteToKernel(benchmark::State& state) {
  for (auto _ : state) {
    const absl::StatusOr<Measured> measured = Measure();
    if (!measured.ok()) {
      state.SkipWithError(std::string(measured.status().message()).c_str());
      return;
    }
    state.counters["p50_ms"] = Percentile(measured->to_kernel, 0.5) / 1000;
    state.counters["p99_ms"] = Percentile(measured->to_kernel, 0.99) / 1000;
    state.counters["max_ms"] = Percentile(measured->to_kernel, 1) / 1000;
    state.counters["answer_p50_ms"] =
        Percentile(measured->to_answer, 0.5) / 1000;
    state.counters["answer_p99_ms"] =
        Percentile(measured->to_answer, 0.99) / 1000;
    state.counters["writes"] = kWrites;
  }
}
BENCHMARK(ApiWriteToKernel)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
