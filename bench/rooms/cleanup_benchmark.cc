// Clean-up of a node full of rules and sets, in either flavour. Needs root.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/floor/cost.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/model_table.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/enforcer/cleanup.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

constexpr int kSets = 5000;
constexpr int kMembers = 16;  // of each

std::vector<SetMember> Members() {
  std::vector<SetMember> members;
  for (int i = 0; i < kMembers; ++i) {
    members.push_back(
        SetMember::Address(*IpAddress::Parse(absl::StrCat("10.0.0.", i + 1))));
  }
  return members;
}

// A new network namespace with so many rules, and kSets sets besides those
// that the rules use.
absl::Status Fill(int rules, Flavour flavour) {
  RETURN_IF_ERROR(EnterFreshNetwork());
  LinuxDataplaneOptions options;
  options.flavour = flavour;
  ASSIGN_OR_RETURN(const std::unique_ptr<LinuxDataplane> kernel,
                   LinuxDataplane::Create(options));
  for (const SetSpec& set : ModelSets())
    RETURN_IF_ERROR(kernel->CreateSet(set, {}));
  const std::vector<SetMember> members = Members();
  SetSpec spec;
  for (int i = 0; i < kSets; ++i) {
    spec.name = SetName(Family::kIPv4, absl::StrCat("KUBE-SRC-BENCH", i));
    RETURN_IF_ERROR(kernel->CreateSet(spec, members));
  }
  return kernel->CommitTable(ModelTable(rules));
}

struct Figures {
  absl::Duration plan;
  v1::CleanupResult result;
};

absl::Status CleanUp(benchmark::State& state, Figures& figures) {
  const auto flavour = static_cast<Flavour>(state.range(0));
  for (auto _ : state) {
    RETURN_IF_ERROR(Fill(static_cast<int>(state.range(1)), flavour));
    const CostWatch plan_watch;
    const v1::CleanupResult plan = PlanCleanup();
    figures.plan = plan_watch.Elapsed().wall;
    const CostWatch watch;
    figures.result = CleanUpKernel();
    state.SetIterationTime(absl::ToDoubleSeconds(watch.Elapsed().wall));
    if (!figures.result.complete())
      return absl::InternalError(figures.result.ShortDebugString());
  }
  return absl::OkStatus();
}

// On the wall clock. Counters: what was there, how it was written, and
// plan_ms, a dry run.
void BM_CleanUp(benchmark::State& state) {
  Figures figures;
  const absl::Status status = CleanUp(state, figures);
  if (!status.ok())
    return state.SkipWithError(std::string(status.message()).c_str());
  const v1::RemovedTable& table = figures.result.tables(0);
  state.SetLabel(table.flavour());
  state.counters["chains"] = table.chains_size();
  state.counters["rules"] = table.rules();
  state.counters["sets"] = figures.result.sets(0).names_size();
  state.counters["commits"] = figures.result.kernel_writes().table_commits();
  state.counters["plan_ms"] = absl::ToDoubleMilliseconds(figures.plan);
}
BENCHMARK(BM_CleanUp)
    ->ArgNames({"flavour", "rules"})
    ->ArgsProduct({{static_cast<int>(Flavour::kLegacy),
                    static_cast<int>(Flavour::kNft)},
                   {10000, 100000}})
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksAsRoot(argc, argv, 2);
}
