#include "bench/goals.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

// A counter of an event on L.
Goal ChurnGoal(const std::string& what, const std::string& event,
               const std::string& counter, const std::string& unit,
               double limit) {
  return {.name = what,
          .program = "bench/engine/churn_benchmark",
          .benchmark = absl::StrCat("BM_", event, "/L"),
          .ours = counter,
          .unit = unit,
          .limit = limit};
}

// The same beside the kernel's floor, by PREFIX_us, PREFIX_floor_us and
// PREFIX_ratio.
Goal ChurnRatio(const std::string& what, const std::string& event,
                const std::string& prefix, double limit) {
  Goal goal = ChurnGoal(what, event, prefix + "_us", "us", limit);
  goal.floor = prefix + "_floor_us";
  goal.ratio = prefix + "_ratio";
  goal.of = Goal::Of::kRatio;
  return goal;
}

// An event that changes sets alone.
void AddMemberChange(const std::string& what, const std::string& event,
                     std::vector<Goal>& goals) {
  goals.push_back(ChurnGoal(absl::StrCat("L: ", what, ", user space"), event,
                            "user_us", "us", 100));
  goals.push_back(
      ChurnRatio(absl::StrCat("L: ", what, ", kernel"), event, "edit", 2));
  goals.push_back(ChurnGoal(absl::StrCat("L: ", what, ", table commits"), event,
                            "table_commits", "commits", 0));
}

// An event that changes rules.
void AddRuleChange(const std::string& what, const std::string& event,
                   std::vector<Goal>& goals) {
  goals.push_back(ChurnGoal(absl::StrCat("L: ", what, ", user space"), event,
                            "user_us", "us", 1000));
  goals.push_back(
      ChurnRatio(absl::StrCat("L: ", what, ", commit"), event, "commit", 1.3));
}

void AddGrowth(const std::string& event, std::vector<Goal>& goals) {
  goals.push_back({.name = absl::StrCat("growth from half of L to L: ", event),
                   .program = "bench/engine/growth_benchmark",
                   .benchmark = absl::StrCat("BM_Growth/", event),
                   .ours = "full_us",
                   .unit = "us",
                   .floor = "half_us",
                   .ratio = "ratio",
                   .of = Goal::Of::kRatio,
                   .limit = 1.1});
}

void AddPacket(const std::string& what, int policies, const std::string& kind,
               double limit, std::vector<Goal>& goals) {
  goals.push_back({.name = absl::StrCat(what, ", 250 pods of ", policies,
                                        " policies, over bare conntrack"),
                   .program = "bench/data_path/data_path_benchmark",
                   .benchmark = absl::StrCat(
                       "DataPath/pods:250/policies:", policies, "/", kind),
                   .ours = "ours_us",
                   .unit = "us",
                   .limit = limit});
}

void AddYardstick(const std::string& what, const std::string& event,
                  std::vector<Goal>& goals) {
  goals.push_back(
      {.name = absl::StrCat("L: ", what, ", CPU of a full rebuild over ours"),
       .program = "bench/yardstick/yardstick_benchmark",
       .benchmark = absl::StrCat("BM_SideBySide/L/", event),
       .ours = "ours_cpu_us",
       .unit = "us",
       .floor = "yardstick_cpu_us",
       .ratio = "ratio_cpu",
       .of = Goal::Of::kRatio,
       .bound = Goal::Bound::kAtLeast,
       .limit = 1000});
}

void AddSteadyTraffic(const std::string& what, const std::string& counter,
                      std::vector<Goal>& goals) {
  for (const char* flavour : {"legacy", "nft"}) {
    goals.push_back({.name = absl::StrCat("10,000 ", flavour,
                                          " commits under load: ", what),
                     .program = "bench/steady_traffic/steady_traffic_benchmark",
                     .benchmark = absl::StrCat("BM_SteadyTraffic/", flavour),
                     .ours = counter,
                     .unit = "packets",
                     .limit = 0});
  }
}

// Beside the program that iptables has for it.
void AddNftCommit(int rules, std::vector<Goal>& goals) {
  goals.push_back(
      {.name = absl::StrCat("nft: one chain of a table of ", rules, " rules"),
       .program = "bench/rooms/table_benchmark",
       .benchmark = absl::StrCat("BM_CommitNftTable/", rules),
       .ours = "wall_us",
       .unit = "us",
       .floor = "wall_floor_us",
       .of = Goal::Of::kRatio,
       .limit = 1.3});
}

// With a real API server.
void AddLive(std::vector<Goal>& goals) {
  const Goal write = {.program = "bench/live/write_to_kernel_benchmark",
                      .benchmark = "ApiWriteToKernel",
                      .unit = "ms"};
  for (const auto& [share, limit] :
       {std::pair<const char*, double>("p50", 20), {"p99", 100}}) {
    Goal goal = write;
    goal.name = absl::StrCat("API write of a pod's address to kernel, ", share);
    goal.ours = absl::StrCat(share, "_ms");
    goal.floor = absl::StrCat("answer_", share, "_ms");
    goal.limit = limit;
    goals.push_back(goal);
  }
  const std::string program = "bench/live/whole_cluster_benchmark";
  for (const char* way : {"pages", "stream"}) {
    goals.push_back(
        {.name = absl::StrCat("100,000 pods listed, beside libcurl: ", way),
         .program = program,
         .benchmark = absl::StrCat("ListPods/", way),
         .ours = "list_s",
         .unit = "s",
         .floor = "bare_s",
         .ratio = "ratio",
         .of = Goal::Of::kRatio,
         .limit = 1.5});
  }
  for (const char* cluster : {"L_few_policies", "L"}) {
    Goal memory = {.name = absl::StrCat("daemon with ", cluster,
                                        " from a server: resident at rest"),
                   .program = program,
                   .benchmark = absl::StrCat("DaemonMemory/", cluster),
                   .ours = "rss_mib",
                   .unit = "MiB",
                   .limit = 64};
    goals.push_back(memory);
    memory.name = absl::StrCat("daemon with ", cluster, " from a server: peak");
    memory.ours = "peak_mib";
    memory.limit = 128;
    goals.push_back(memory);
  }
}

std::vector<Goal> MakeGoals() {
  std::vector<Goal> goals;
  AddMemberChange("remote pod comes or goes", "RemotePodLeaves", goals);
  AddMemberChange("remote pod changes labels", "RemotePodChangesLabel", goals);
  AddRuleChange("local pod comes or goes", "LocalPodLeaves", goals);
  AddRuleChange("local pod changes labels", "LocalPodChangesLabel", goals);
  AddRuleChange("policy changes", "PolicyChanges", goals);
  AddRuleChange("policy comes or goes", "PolicyLeaves", goals);
  for (int rules : {1000, 10000, 100000}) AddNftCommit(rules, goals);
  goals.push_back({.name = "60 policies, 300 local pods: start to kernel",
                   .program = "bench/engine/cold_start_benchmark",
                   .benchmark = "BM_ColdStart/S_all_local",
                   .ours = "wall_ms",
                   .unit = "ms",
                   .floor = "floor_wall_ms",
                   .limit = 50});
  goals.push_back({.name = "L: empty process to full plan",
                   .program = "bench/engine/cold_start_benchmark",
                   .benchmark = "BM_ColdStart/L",
                   .ours = "user_ms",
                   .unit = "ms",
                   .limit = 1000});
  for (const char* event :
       {"RemotePodLeaves", "RemotePodChangesLabel", "FarPodLeaves",
        "LocalPodLeaves", "PolicyChanges", "FarPolicyChanges"})
    AddGrowth(event, goals);
  goals.push_back({.name = "L: resident memory, everything included",
                   .program = "bench/engine/memory_benchmark",
                   .benchmark = "BM_Memory/L",
                   .ours = "rss_mib",
                   .unit = "MiB",
                   .limit = 64});
  AddPacket("established packet", 50, "est", 0.15, goals);
  AddPacket("first packet", 5, "new", 1.0, goals);
  AddPacket("first packet", 50, "new", 5.5, goals);
  AddYardstick("remote pod", "RemotePod", goals);
  AddYardstick("policy", "Policy", goals);
  AddSteadyTraffic("allowed, refused", "packets_lost", goals);
  AddSteadyTraffic("established, refused", "packets_established_lost", goals);
  AddSteadyTraffic("denied, passed", "packets_passed", goals);
  AddLive(goals);
  return goals;
}

}  // namespace

const std::vector<Goal>& Goals() {
  static const auto* const goals = new std::vector<Goal>(MakeGoals());
  return *goals;
}

}  // namespace netpol
