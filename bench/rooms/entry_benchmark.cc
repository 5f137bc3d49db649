// Rules to the kernel's binary form and back. Needs root: a rule carries the
// kernel's number of its set.
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/bench_network.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/operation_meter.h"
#include "bench/rooms/registration.h"
#include "bench/rooms/warm_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

// The rules of a workload, their sets in the kernel, and what they become. The
// numbers of the sets are known already, as they are after a first commit.
struct EntryLab {
  std::vector<const Rule*> rules;
  std::vector<EntryParts> parts;
  SetIndex sets;

  absl::Status Make(const std::string& workload);
};

absl::Status EntryLab::Make(const std::string& workload) {
  absl::Status status = EnterFreshNetwork();
  auto kernel = LinuxDataplane::Create({});
  status.Update(kernel.status());
  const RulesetChange& everything = WarmCluster::Of(workload).everything();
  for (const SetContent& set : everything.sets) {
    if (!status.ok()) return status;
    status.Update(
        (*kernel)->CreateSet({set.name, set.type, set.family, 65536}, {}));
  }
  for (const Chain& chain : everything.tables[0].chains) {
    for (const Rule& rule : chain.rules) {
      absl::StatusOr<EntryParts> encoded =
          EncodeRule(rule, Family::kIPv4, sets);
      status.Update(encoded.status());
      if (!status.ok()) return status;
      rules.push_back(&rule);
      parts.push_back(*std::move(encoded));
    }
  }
  return status;
}

// Runs `each` with the number of every rule; figures are for one rule.
template <typename Each>
void OverRules(benchmark::State& state, const EntryLab& lab, Each each) {
  OperationMeter meter;
  for (auto _ : state) {
    state.SetIterationTime(meter.Measure([&] {
      for (size_t i = 0; i < lab.rules.size(); ++i) each(i);
    }));
  }
  state.counters["rules"] = static_cast<double>(lab.rules.size());
  meter.Report(state, static_cast<int64_t>(lab.rules.size()));
}

// To the block of bytes that libiptc takes.
void BM_EncodeRule(benchmark::State& state, const std::string& workload) {
  EntryLab lab;
  const absl::Status status = lab.Make(workload);
  if (!status.ok())
    return state.SkipWithError(std::string(status.message()).c_str());
  OverRules(state, lab, [&](size_t i) {
    const auto parts = EncodeRule(*lab.rules[i], Family::kIPv4, lab.sets);
    benchmark::DoNotOptimize(Assemble(Family::kIPv4, *parts).size());
  });
}

void BM_DecodeRule(benchmark::State& state, const std::string& workload) {
  EntryLab lab;
  const absl::Status status = lab.Make(workload);
  if (!status.ok())
    return state.SkipWithError(std::string(status.message()).c_str());
  size_t same = 0;
  OverRules(state, lab, [&](size_t i) {
    const Rule rule = DecodeRule(lab.parts[i], Family::kIPv4, lab.sets);
    if (i == 0) same = 0;
    same += rule == *lab.rules[i] ? 1 : 0;
  });
  if (same != lab.rules.size())
    state.SkipWithError("a rule was not read as it was written");
}

void RegisterAll() {
  RegisterWorkloads("BM_EncodeRule", BM_EncodeRule, benchmark::kMicrosecond);
  RegisterWorkloads("BM_DecodeRule", BM_DecodeRule, benchmark::kMicrosecond);
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarksAsRoot(argc, argv, 0.2);
}
