// Every call about sets, beside raw netlink on the same sets. Needs root.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/engine/bench_network.h"
#include "bench/floor/cost.h"
#include "bench/floor/set_floor.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/beside_floor.h"
#include "bench/rooms/listing_floor.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_messages.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/plan.h"

namespace netpol {
namespace {

// The kernel finds a set by walking the list of all; so many are before ours.
constexpr int kSetsBefore = 500;

SetSpec SpecNamed(absl::string_view name) {
  return {SetName(Family::kIPv4, absl::StrCat("KUBE-SRC-", name)),
          SetType::kHashIp, Family::kIPv4, 65536};
}

std::vector<SetMember> Members(int64_t count) {
  std::vector<SetMember> members;
  for (int64_t i = 0; i < count; ++i) {
    members.push_back(SetMember::Address(*IpAddress::Parse(
        absl::StrCat("10.", i >> 16 & 255, ".", i >> 8 & 255, ".", i & 255))));
  }
  return members;
}

// A new network namespace with kSetsBefore sets, and two ways to change it.
struct SetLab {
  std::unique_ptr<Dataplane> kernel;
  std::unique_ptr<SetFloor> floor;

  static absl::StatusOr<SetLab> Make();
};

absl::StatusOr<SetLab> SetLab::Make() {
  RETURN_IF_ERROR(EnterFreshNetwork());
  SetLab lab;
  ASSIGN_OR_RETURN(lab.kernel, LinuxDataplane::Create({}));
  ASSIGN_OR_RETURN(lab.floor, SetFloor::Open());
  for (int i = 0; i < kSetsBefore; ++i) {
    RETURN_IF_ERROR(
        lab.kernel->CreateSet(SpecNamed(absl::StrCat("BEFORE", i)), {}));
  }
  return lab;
}

template <typename Call>
absl::StatusOr<Cost> CostOf(Call call) {
  const CostWatch watch;
  RETURN_IF_ERROR(call());
  return watch.Elapsed();
}

// A benchmark with as many members as its argument says.
struct SetBenchmark {
  benchmark::State& state;
  BesideFloor costs;

  absl::Status Edit(MemberCommand command);
  absl::Status CreateOrDestroy(bool create);
  absl::Status Replace();
  absl::Status Read();
  void Run(const absl::Status& status) {
    if (!status.ok())
      state.SkipWithError(std::string(status.message()).c_str());
    costs.Report(state);
  }
};

absl::Status SetBenchmark::Edit(MemberCommand command) {
  ASSIGN_OR_RETURN(const SetLab lab, SetLab::Make());
  const SetSpec spec = SpecNamed("EDITED");
  const std::vector<SetMember> members = Members(state.range(0));
  const bool add = command == MemberCommand::kAdd;
  RETURN_IF_ERROR(lab.kernel->CreateSet(spec, members));
  if (add) RETURN_IF_ERROR(lab.kernel->RemoveMembers(spec, members));
  const auto undo = [&] {
    return add ? lab.kernel->RemoveMembers(spec, members)
               : lab.kernel->AddMembers(spec, members);
  };
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const Cost ours, CostOf([&] {
                       return add ? lab.kernel->AddMembers(spec, members)
                                  : lab.kernel->RemoveMembers(spec, members);
                     }));
    RETURN_IF_ERROR(undo());
    ASSIGN_OR_RETURN(const Cost floor, lab.floor->Edit(command, spec, members));
    RETURN_IF_ERROR(undo());
    costs.Add(ours, floor, state);
  }
  return absl::OkStatus();
}

absl::Status SetBenchmark::CreateOrDestroy(bool create) {
  ASSIGN_OR_RETURN(const SetLab lab, SetLab::Make());
  const PlannedMembers set = {SpecNamed("MADE"), Members(state.range(0))};
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const Cost created, CostOf([&] {
                       return lab.kernel->CreateSet(set.set, set.members);
                     }));
    ASSIGN_OR_RETURN(const Cost destroyed, CostOf([&] {
                       return lab.kernel->DestroySet(set.set.name);
                     }));
    ASSIGN_OR_RETURN(const Cost bare_created, lab.floor->Create({set}));
    ASSIGN_OR_RETURN(const Cost bare_destroyed, lab.floor->Destroy({set}));
    if (create) {
      costs.Add(created, bare_created, state);
    } else {
      costs.Add(destroyed, bare_destroyed, state);
    }
  }
  return absl::OkStatus();
}

absl::Status SetBenchmark::Replace() {
  ASSIGN_OR_RETURN(const SetLab lab, SetLab::Make());
  const SetSpec spec = SpecNamed("REPLACED");
  const std::vector<SetMember> members = Members(state.range(0));
  const PlannedMembers twin = {SpecNamed("TWIN"), members};
  RETURN_IF_ERROR(lab.kernel->CreateSet(spec, members));
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const Cost ours, CostOf([&] {
                       return lab.kernel->ReplaceSet(spec, members);
                     }));
    ASSIGN_OR_RETURN(const Cost created, lab.floor->Create({twin}));
    ASSIGN_OR_RETURN(const Cost destroyed, lab.floor->Destroy({twin}));
    costs.Add(ours, created + destroyed, state);
  }
  return absl::OkStatus();
}

absl::Status SetBenchmark::Read() {
  ASSIGN_OR_RETURN(const SetLab lab, SetLab::Make());
  RETURN_IF_ERROR(
      lab.kernel->CreateSet(SpecNamed("READ"), Members(state.range(0))));
  ASSIGN_OR_RETURN(const std::unique_ptr<SetTable> sets, SetTable::Create());
  const Family families[] = {Family::kIPv4};
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const Cost ours,
                     CostOf([&] { return sets->Read(families).status(); }));
    ASSIGN_OR_RETURN(const Cost floor, MeasureBareListing());
    costs.Add(ours, floor, state);
  }
  return absl::OkStatus();
}

void BM_AddMembers(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.Edit(MemberCommand::kAdd));
}
void BM_RemoveMembers(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.Edit(MemberCommand::kRemove));
}
void BM_CreateSet(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.CreateOrDestroy(true));
}
void BM_DestroySet(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.CreateOrDestroy(false));
}
// The floor is that of making and destroying a twin, without the swap.
void BM_ReplaceSet(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.Replace());
}
// All sets, one of them with members.
void BM_ReadSets(benchmark::State& state) {
  SetBenchmark run{state, {}};
  run.Run(run.Read());
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(100)->Arg(10000)->UseManualTime()->Unit(
      benchmark::kMicrosecond);
}
BENCHMARK(BM_AddMembers)->Apply(Sizes);
BENCHMARK(BM_RemoveMembers)->Apply(Sizes);
BENCHMARK(BM_CreateSet)->Apply(Sizes);
BENCHMARK(BM_DestroySet)->Apply(Sizes);
BENCHMARK(BM_ReplaceSet)->Apply(Sizes);
BENCHMARK(BM_ReadSets)->Apply(Sizes);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::RunBenchmarksAsRoot(argc, argv, 0.1);
}
