// Reading and committing the kernel's tables: legacy beside bare libiptc, nft
// beside a bare iptables-nft-restore, on the same table. Needs root.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/engine/bench_network.h"
#include "bench/floor/cost.h"
#include "bench/floor/restore_floor.h"
#include "bench/floor/table_floor.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/beside_floor.h"
#include "bench/rooms/model_table.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/sync/dataplane.h"

namespace netpol {
namespace {

// A table of so many rules in a new network namespace.
absl::StatusOr<std::unique_ptr<Dataplane>> Fill(
    int rules, Flavour flavour = Flavour::kLegacy) {
  RETURN_IF_ERROR(EnterFreshNetwork());
  LinuxDataplaneOptions options;
  options.flavour = flavour;
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel,
                   LinuxDataplane::Create(options));
  for (const SetSpec& set : ModelSets()) {
    RETURN_IF_ERROR(kernel->CreateSet(set, {}));
  }
  RETURN_IF_ERROR(kernel->CommitTable(ModelTable(rules)));
  return kernel;
}

absl::StatusOr<Cost> Commit(const TableChange& change, Dataplane& kernel) {
  const CostWatch watch;
  RETURN_IF_ERROR(kernel.CommitTable(change));
  return watch.Elapsed();
}

// One rule of one chain comes or goes.
absl::Status CommitOneChain(benchmark::State& state, BesideFloor& costs) {
  const int rules = static_cast<int>(state.range(0));
  ASSIGN_OR_RETURN(const std::unique_ptr<Dataplane> kernel, Fill(rules));
  TableChange whole;
  whole.write = {ModelChain(rules / kModelChainRules / 2)};
  TableChange shorter = whole;
  shorter.write.front().rules.pop_back();
  bool is_whole = true;
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const Cost ours,
                     Commit(is_whole ? shorter : whole, *kernel));
    ASSIGN_OR_RETURN(const CommitCost floor, MeasureBareCommit());
    is_whole = !is_whole;
    costs.Add(ours, floor.total(), state);
  }
  return absl::OkStatus();
}

// As CommitOneChain(), in nf_tables; the floor rewrites the same chain.
absl::Status CommitOneNftChain(benchmark::State& state, BesideFloor& costs) {
  const int rules = static_cast<int>(state.range(0));
  ASSIGN_OR_RETURN(const std::unique_ptr<Dataplane> kernel,
                   Fill(rules, Flavour::kNft));
  TableChange whole;
  whole.write = {ModelChain(rules / kModelChainRules / 2)};
  TableChange shorter = whole;
  shorter.write.front().rules.pop_back();
  bool is_whole = true;
  for (auto _ : state) {
    const TableChange& change = is_whole ? shorter : whole;
    ASSIGN_OR_RETURN(const Cost ours, Commit(change, *kernel));
    ASSIGN_OR_RETURN(const Cost floor,
                     MeasureBareRestore(change.write, Family::kIPv4));
    is_whole = !is_whole;
    costs.Add(ours, floor, state);
  }
  return absl::OkStatus();
}

absl::Status ReadAll(benchmark::State& state, BesideFloor& costs) {
  const int rules = static_cast<int>(state.range(0));
  ASSIGN_OR_RETURN(const std::unique_ptr<Dataplane> kernel, Fill(rules));
  const Family families[] = {Family::kIPv4};
  for (auto _ : state) {
    const CostWatch watch;
    ASSIGN_OR_RETURN(const Snapshot snapshot, kernel->Read(families));
    const Cost ours = watch.Elapsed();
    ASSIGN_OR_RETURN(const CommitCost floor, MeasureBareCommit());
    costs.Add(ours, floor.init + floor.free, state);
  }
  return absl::OkStatus();
}

void Report(const absl::Status& status, const BesideFloor& costs,
            benchmark::State& state) {
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  costs.Report(state);
}

void BM_CommitTable(benchmark::State& state) {
  BesideFloor costs;
  Report(CommitOneChain(state, costs), costs, state);
}
BENCHMARK(BM_CommitTable)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// On the wall clock, since most of it is another process's.
void BM_CommitNftTable(benchmark::State& state) {
  BesideFloor costs;
  Report(CommitOneNftChain(state, costs), costs, state);
}
BENCHMARK(BM_CommitNftTable)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->Arg(100000)
    ->Iterations(60)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// Everything of the table, with the few sets that it uses. The floor is the
// reading of libiptc, which takes no rule apart.
void BM_ReadTable(benchmark::State& state) {
  BesideFloor costs;
  Report(ReadAll(state, costs), costs, state);
}
BENCHMARK(BM_ReadTable)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksAsRoot(argc, argv, 2);
}
