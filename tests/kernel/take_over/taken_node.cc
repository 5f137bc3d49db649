#include "tests/kernel/take_over/taken_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/enforcer/leftovers.h"
#include "netpol/rules/names.h"
#include "tests/kernel/take_over/node_programs.h"
#include "tests/kernel/take_over/step_kernel.h"
#include "tests/kernel/take_over/take_over_cluster.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;

constexpr int kMaxSyncs = 5;

// One that would be met by every packet, from an address that none has.
constexpr char kForeignRules[] =
    "*filter\n"
    ":CNI-FORWARD - [0:0]\n"
    ":KUBE-FORWARD - [0:0]\n"
    "[7:700] -A INPUT -s %s -p tcp -m tcp --dport 22 -j DROP\n"
    "[7:700] -A FORWARD -s %s -m comment --comment \"not of "
    "KUBE-ROUTER-FORWARD "
    "netpol\" -j CNI-FORWARD\n"
    "[7:700] -A FORWARD -m set --match-set %sneighbour src -j KUBE-FORWARD\n"
    "[7:700] -A CNI-FORWARD -s %s -j DROP\n"
    "[7:700] -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT\n"
    "COMMIT\n";

// "[packets:bytes] " before a rule stays, "[packets:bytes]" after a chain's
// policy goes.
void AppendTable(absl::string_view saved, Family family, Lines& lines) {
  Lines of_table;
  for (absl::string_view line :
       absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
    if (line[0] != ':' && line[0] != '[') continue;
    if (line[0] == ':') line = line.substr(0, line.find(" ["));
    of_table.push_back(absl::StrCat(FamilyName(family), " ", line));
  }
  // By chain; the order within one is kept.
  const auto chain = [](const std::string& line) {
    const Lines words = absl::StrSplit(line, ' ');
    return words[1][0] == ':' ? std::string() : words[3];
  };
  std::stable_sort(of_table.begin(), of_table.end(),
                   [&](const std::string& a, const std::string& b) {
                     return chain(a) < chain(b) ||
                            (chain(a).empty() && chain(b).empty() && a < b);
                   });
  lines.insert(lines.end(), of_table.begin(), of_table.end());
}

void AppendSets(absl::string_view saved, Lines& lines) {
  Lines sets;
  for (absl::string_view line :
       absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
    const Lines words = absl::StrSplit(line, ' ');
    // The action, the name, the type or the member.
    sets.push_back(absl::StrCat(words[0], " ", words[1], " ", words[2]));
  }
  std::sort(sets.begin(), sets.end());
  lines.insert(lines.end(), sets.begin(), sets.end());
}

// Whether nothing is left to do.
absl::StatusOr<bool> SyncOnce(Controller& controller) {
  ASSIGN_OR_RETURN(const SyncReport report, controller.Sync());
  if (!report.problems.empty()) {
    return absl::InternalError(
        absl::StrCat("a sync reports: ", absl::StrJoin(report.problems, "; ")));
  }
  return !report.retry;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketLab>> MakeTakenLab() {
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create());
  for (const LabOwner& owner : LocalOwners())
    RETURN_IF_ERROR(lab->AddPod(owner.name, owner.addresses));
  for (const LabOwner& owner : RemoteOwners())
    RETURN_IF_ERROR(lab->AddRemote(owner.addresses));
  return lab;
}

absl::StatusOr<std::unique_ptr<Controller>> StartController(
    const Cluster& cluster, const Enforcement& enforcement) {
  LinuxDataplaneOptions kernel_options;
  kernel_options.flavour = enforcement.flavour;
  ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> kernel,
                   LinuxDataplane::Create(kernel_options));
  ControllerOptions options;
  options.node_name = kTakenNode;
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  options.layout.default_deny = enforcement.default_deny;
  options.layout.cluster_ip_ranges = {*IpPrefix::Parse("10.43.0.0/16"),
                                      *IpPrefix::Parse("fd00:43::/112")};
  ASSIGN_OR_RETURN(
      std::unique_ptr<Controller> controller,
      Controller::Create(
          std::move(options),
          std::make_unique<StepKernel>(std::move(kernel), enforcement.after)));
  for (const v1::WatchEvent& event : ListingOf(cluster))
    RETURN_IF_ERROR(controller->OnEvent(event));
  return controller;
}

absl::Status SyncAll(Controller& controller) {
  for (int i = 0; i < kMaxSyncs; ++i) {
    ASSIGN_OR_RETURN(const bool done, SyncOnce(controller));
    if (done) return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(kMaxSyncs, " syncs left something to do"));
}

absl::Status Enforce(const Cluster& cluster, const Enforcement& enforcement) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Controller> controller,
                   StartController(cluster, enforcement));
  // Sets that the other flavour's rules use are left for now.
  RETURN_IF_ERROR(SyncOnce(*controller).status());
  RETURN_IF_ERROR(SweepLeftovers(enforcement.flavour,
                                 {Family::kIPv4, Family::kIPv6},
                                 absl::Seconds(10))
                      .status);
  enforcement.after("swept");
  return SyncAll(*controller);
}

absl::Status EnforceOn(const NetNs& ns, const Cluster& cluster,
                       const Enforcement& enforcement) {
  return ns.Run([&] { return Enforce(cluster, enforcement); });
}

absl::Status LayForeignRules(const NetNs& ns, Flavour flavour) {
  RETURN_IF_ERROR(RunOn(ns, {"ipset", "restore", "-exist"},
                        "create neighbour hash:ip\n"
                        "add neighbour 203.0.113.9\n"
                        "create inet6:neighbour hash:ip family inet6\n"
                        "add inet6:neighbour 2001:db8:9::9\n")
                      .status());
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    const bool v4 = family == Family::kIPv4;
    std::string rules = absl::StrReplaceAll(
        kForeignRules, {{"%sneighbour", v4 ? "neighbour" : "inet6:neighbour"}});
    rules = absl::StrReplaceAll(rules,
                                {{"%s", v4 ? "203.0.113.8" : "2001:db8:9::8"}});
    RETURN_IF_ERROR(RunOn(ns,
                          {TablesProgram(flavour, family, "-restore"),
                           "--noflush", "--counters", "--wait"},
                          rules)
                        .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Lines> Listing(const NetNs& ns, Flavour flavour) {
  Lines lines;
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    ASSIGN_OR_RETURN(const std::string saved,
                     RunOn(ns, {TablesProgram(flavour, family, "-save"),
                                "--counters", "-t", "filter"}));
    AppendTable(saved, family, lines);
  }
  ASSIGN_OR_RETURN(const std::string saved, RunOn(ns, {"ipset", "save"}));
  AppendSets(saved, lines);
  return lines;
}

Lines Foreign(const Lines& listing) {
  Lines foreign;
  for (const std::string& line : listing) {
    const Lines words = absl::StrSplit(line, ' ');
    // A chain, a rule in one or with a jump to one at its end, or a set.
    const bool ours = ChainName::IsOurs(words[1].substr(1)) ||
                      (words.size() > 3 && ChainName::IsOurs(words[3])) ||
                      ChainName::IsOurs(words.back()) ||
                      SetName::IsOurs(words[1]) ||
                      absl::StrContains(line, "to explicitly ACCEPT traffic");
    if (!ours) foreign.push_back(line);
  }
  return foreign;
}

Lines Uncounted(Lines listing) {
  for (std::string& line : listing) {
    const size_t bracket = line.find('[');
    if (bracket != std::string::npos)
      line.erase(bracket, line.find(']') - bracket + 2);
  }
  return listing;
}

absl::Status Clear(const NetNs& ns) {
  const std::string empty =
      "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT "
      "[0:0]\nCOMMIT\n";
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    RETURN_IF_ERROR(
        RunOn(ns,
              {TablesProgram(Flavour::kLegacy, family, "-restore"), "--wait"},
              empty)
            .status());
  }
  RETURN_IF_ERROR(RunOn(ns, {"nft", "flush", "ruleset"}).status());
  return RunOn(ns, {"ipset", "destroy"}).status();
}

}  // namespace netpol
