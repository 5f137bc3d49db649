// Packets wrongly refused or passed during thousands of commits: none. Network
// namespaces of its own; needs root. NETPOL_SEED and NETPOL_STEPS choose
// another run, and its commits; a thousand take some five seconds with legacy
// tables where nothing else runs, and three times as long with nft.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/engine/bench_network.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/testing/random_rounds.h"
#include "tests/kernel/steady_traffic/steady_run.h"

namespace netpol {
namespace {

constexpr int kCommits = 10000;

void CountFamily(const std::string& family, const FamilyTraffic& traffic,
                 benchmark::State& state) {
  const auto count = [&](const char* what, int64_t value) {
    state.counters[absl::StrCat(family, "_", what)] =
        static_cast<double>(value);
  };
  count("allowed_sent", traffic.allowed_sent);
  count("lost", traffic.lost);
  count("denied_sent", traffic.denied_sent);
  count("passed", traffic.passed);
  count("unanswered", traffic.unanswered);
  count("established_sent", traffic.established_sent);
  count("established_lost", traffic.established_lost);
}

void Count(const SteadyResult& result, benchmark::State& state) {
  const auto count = [&](const char* what, double value) {
    state.counters[what] = value;
  };
  const SteadyWork& work = result.work;
  count("commits", static_cast<double>(work.table_commits));
  count("set_messages", static_cast<double>(work.set_messages));
  count("sets_created", static_cast<double>(work.sets_created));
  count("sets_replaced", static_cast<double>(work.sets_replaced));
  count("sets_destroyed", static_cast<double>(work.sets_destroyed));
  count("events", static_cast<double>(work.events));
  count("syncs", static_cast<double>(work.syncs));
  count("restarts", static_cast<double>(work.restarts));
  count("resyncs", static_cast<double>(work.resyncs));
  count("watches", static_cast<double>(result.watches));
  count("tcp_retransmissions", static_cast<double>(result.retransmissions));
  count("packets_per_second",
        static_cast<double>(result.packets()) / result.seconds);
  FamilyTraffic sum;
  for (const FamilyTraffic& one : result.traffic) {
    sum.allowed_sent += one.allowed_sent;
    sum.lost += one.lost;
    sum.denied_sent += one.denied_sent;
    sum.passed += one.passed;
    sum.unanswered += one.unanswered;
    sum.established_sent += one.established_sent;
    sum.established_lost += one.established_lost;
  }
  CountFamily("packets", sum, state);
  CountFamily("ipv4", result.traffic[0], state);
  CountFamily("ipv6", result.traffic[1], state);
}

KernelOpener OpenIn(Flavour flavour) {
  return [flavour]() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    LinuxDataplaneOptions options;
    options.flavour = flavour;
    ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> kernel,
                     LinuxDataplane::Create(options));
    return std::unique_ptr<Dataplane>(std::move(kernel));
  };
}

void BM_SteadyTraffic(benchmark::State& state, Flavour flavour) {
  SteadyOptions options;
  options.open_kernel = OpenIn(flavour);
  options.seed = FirstSeed();
  options.commits = Steps(kCommits);
  options.crowd = 66000;
  for (auto _ : state) {
    const absl::StatusOr<SteadyResult> result = RunSteadyTraffic(options);
    if (!result.ok()) {
      state.SkipWithError(std::string(result.status().message()).c_str());
      return;
    }
    for (const std::string& wrong : result->wrong) std::cerr << wrong << "\n";
    Count(*result, state);
  }
}
BENCHMARK_CAPTURE(BM_SteadyTraffic, legacy, Flavour::kLegacy)
    ->Iterations(1)
    ->Unit(benchmark::kSecond);
BENCHMARK_CAPTURE(BM_SteadyTraffic, nft, Flavour::kNft)
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
