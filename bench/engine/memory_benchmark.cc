// What the engine keeps in memory for a whole cluster, with everything in the
// kernel. Needs root.
//
// Measured in a child process, this program started anew with `--child`, which
// makes the cluster one event at a time: nothing is in it but the engine, this
// program's code and the libraries.
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/engine/bench_network.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;
constexpr absl::string_view kChildFlag = "--child=";

// Figures by name, in MiB.
using Figures = absl::btree_map<std::string, double>;

double HeapMib() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1 << 20);
}

// A line of /proc/self/status, such as "VmRSS".
double StatusMib(absl::string_view field) {
  std::ifstream status("/proc/self/status");
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

// The name of the figure that is taken when all objects of a kind are told.
std::string HeapAfter(v1::WatchEvent::ObjectCase kind) {
  switch (kind) {
    case v1::WatchEvent::kNamespace:
      return "heap_namespaces_mib";
    case v1::WatchEvent::kPod:
      return "heap_pods_mib";
    case v1::WatchEvent::kNetworkPolicy:
      return "heap_policies_mib";
    default:
      return "heap_nodes_mib";
  }
}

// Tells `controller` everything, and takes down the heap after each kind of
// object. What the generator itself keeps in the meantime, some bytes for each
// application, is in these figures but not in those after it.
absl::Status TellAll(const WorkloadShape& shape, Controller& controller,
                     Figures& figures) {
  absl::Status status;
  v1::WatchEvent::ObjectCase kind = v1::WatchEvent::OBJECT_NOT_SET;
  VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
    if (event.object_case() != kind && kind != v1::WatchEvent::OBJECT_NOT_SET)
      figures[HeapAfter(kind)] = HeapMib();
    kind = event.object_case();
    status.Update(controller.OnEvent(event));
  });
  return status;
}

absl::StatusOr<Figures> MeasureHere(const std::string& workload) {
  Figures figures;
  ASSIGN_OR_RETURN(const auto network, BenchNetwork::Enter());
  ASSIGN_OR_RETURN(const WorkloadShape shape, FindWorkload(workload));
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  ASSIGN_OR_RETURN(auto dataplane, LinuxDataplane::Create({}));
  ASSIGN_OR_RETURN(
      const auto controller,
      Controller::Create(std::move(options), std::move(dataplane)));
  figures["rss_start_mib"] = StatusMib("VmRSS");
  figures["heap_start_mib"] = HeapMib();
  RETURN_IF_ERROR(TellAll(shape, *controller, figures));
  ASSIGN_OR_RETURN(const SyncReport report, controller->Sync());
  if (!report.problems.empty())
    return absl::InternalError(report.problems.front());
  figures["heap_synced_mib"] = HeapMib();
  figures["rss_mib"] = StatusMib("VmRSS");
  figures["rss_anon_mib"] = StatusMib("RssAnon");
  figures["peak_mib"] = StatusMib("VmHWM");
  // What a program gets back that asks for it.
  malloc_trim(0);
  figures["rss_trimmed_mib"] = StatusMib("VmRSS");
  return figures;
}

int RunChild(const std::string& workload) {
  const absl::StatusOr<Figures> figures = MeasureHere(workload);
  if (!figures.ok()) {
    std::cerr << "memory_benchmark: " << figures.status().message() << "\n";
    return 1;
  }
  for (const auto& [name, mib] : *figures)
    std::cout << name << " " << mib << "\n";
  return 0;
}

// Starts this program as a child; its standard output is to be read from the
// result.
FILE* StartChild(const std::string& workload, pid_t& pid) {
  const std::string flag = absl::StrCat(kChildFlag, workload);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return nullptr;
  pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl("/proc/self/exe", "memory_benchmark", flag.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  return fdopen(ends[0], "r");
}

absl::StatusOr<Figures> MeasureInChild(const std::string& workload) {
  pid_t pid = -1;
  FILE* output = StartChild(workload, pid);
  if (output == nullptr || pid < 0)
    return absl::UnavailableError("cannot start a child process");
  Figures figures;
  char name[64];
  double mib = 0;
  while (fscanf(output, "%63s %lf", name, &mib) == 2) figures[name] = mib;
  fclose(output);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0)
    return absl::InternalError("the child process failed; it said why above");
  return figures;
}

// Counters in MiB: rss_mib at rest after the first sync, rss_anon_mib of it
// without what is mapped from files, peak_mib the most there was, rss_start_mib
// before the first event; heap_*_mib in use after the listing of each kind and
// after the sync; rss_trimmed_mib once the allocator gave back what it could.
void BM_Memory(benchmark::State& state, const std::string& workload) {
  Figures figures;
  for (auto _ : state) {
    absl::StatusOr<Figures> measured = MeasureInChild(workload);
    if (!measured.ok()) {
      state.SkipWithError(std::string(measured.status().message()).c_str());
      return;
    }
    figures = *std::move(measured);
  }
  for (const auto& [name, mib] : figures) state.counters[name] = mib;
}

BENCHMARK_CAPTURE(BM_Memory, S, std::string("S"))
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Memory, M, std::string("M"))
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Memory, L, std::string("L"))
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Memory, X, std::string("X"))
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  absl::string_view child = argc > 1 ? argv[1] : "";
  if (absl::ConsumePrefix(&child, netpol::kChildFlag))
    return netpol::RunChild(std::string(child));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
