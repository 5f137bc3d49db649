#include "bench/yardstick/full_rebuild_engine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/yardstick/chain_text.h"
#include "bench/yardstick/fixed_rules.h"
#include "bench/yardstick/table_text.h"
#include "bench/yardstick/top_level.h"
#include "bench/yardstick/yardstick_programs.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

std::vector<std::string> RangesOf(Family family,
                                  const std::vector<std::string>& ranges) {
  std::vector<std::string> of_family;
  for (const std::string& range : ranges) {
    if (LooksLike(family, range)) of_family.push_back(range);
  }
  return of_family;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FullRebuildEngine>> FullRebuildEngine::Create(
    std::string node_name) {
  FullRebuildOptions options;
  options.node_name = std::move(node_name);
  return Create(std::move(options));
}

absl::StatusOr<std::unique_ptr<FullRebuildEngine>> FullRebuildEngine::Create(
    FullRebuildOptions options) {
  if (options.node_name.empty()) {
    return absl::InvalidArgumentError("a full rebuild needs a node name");
  }
  for (const std::string& range : options.cluster_ip_ranges) {
    RETURN_IF_ERROR(
        Annotate(IpPrefix::Parse(range).status(), "cluster IP range"));
  }
  return std::unique_ptr<FullRebuildEngine>(
      new FullRebuildEngine(std::move(options)));
}

absl::Status FullRebuildEngine::Sync() {
  report_ = {};
  const std::string version = absl::StrCat(absl::GetCurrentTimeNanos());
  for (Family family : options_.families) {
    FixedRuleOptions fixed;
    fixed.family = family;
    fixed.cluster_ip_ranges = RangesOf(family, options_.cluster_ip_ranges);
    fixed.node_ports = options_.node_ports;
    TopLevel top_level(std::move(fixed));
    if (!started_) RETURN_IF_ERROR(top_level.Start());
    RETURN_IF_ERROR(top_level.Ensure());
    report_.commands += top_level.commands();
  }
  started_ = true;
  const std::vector<PolicyModel> policies = BuildPolicyModels(cache_);
  report_.policies = static_cast<int64_t>(policies.size());
  for (Family family : options_.families) {
    RETURN_IF_ERROR(SyncFamily(family, version, policies));
  }
  return absl::OkStatus();
}

absl::Status FullRebuildEngine::SyncFamily(
    Family family, const std::string& version,
    const std::vector<PolicyModel>& policies) {
  ++report_.commands;
  ASSIGN_OR_RETURN(const std::string saved,
                   OutputOf({FilterProgram(family, "-save"), "-t", "filter"}));
  SetRestore sets(family);
  std::string added;
  absl::flat_hash_set<std::string> active;
  std::vector<PolicyAndChain> chains;
  chains.reserve(policies.size());
  for (const PolicyModel& policy : policies) {
    chains.push_back(
        {&policy, AppendPolicyChain(policy, family, version, sets, added)});
    active.insert(chains.back().chain);
  }
  // From here on the old rules work with the new members.
  RETURN_IF_ERROR(RestoreSets(family, sets));
  const std::vector<const CachedPod*> local =
      cache_.ListLocalPods(options_.node_name);
  report_.local_pods = static_cast<int64_t>(local.size());
  for (const CachedPod* pod : local) {
    active.insert(AppendPodChain(*pod, chains, family, version, added));
  }
  RETURN_IF_ERROR(RestoreTable(family, saved, added, active));
  return DestroyStaleSets(family, sets);
}

absl::Status FullRebuildEngine::RestoreSets(Family family,
                                            const SetRestore& sets) {
  report_.commands += 2;
  std::string text;
  {
    ASSIGN_OR_RETURN(const std::string saved,
                     OutputOf({kIpsetProgram, "save"}));
    text = sets.Text(saved);
  }
  report_.sets += sets.set_count();
  report_.set_entries += sets.entry_count();
  report_.set_bytes += static_cast<int64_t>(text.size());
  CommandLimits limits;
  limits.cpu = options_.set_restore_limit;
  return Annotate(
      OutputOf({kIpsetProgram, "restore", "-exist"}, text, limits).status(),
      absl::StrCat("sets of ", FamilyName(family)));
}

absl::Status FullRebuildEngine::RestoreTable(
    Family family, absl::string_view saved, absl::string_view added,
    const absl::flat_hash_set<std::string>& active) {
  report_.commands += 2;
  ASSIGN_OR_RETURN(
      const std::string listing,
      OutputOf({FilterProgram(family, ""), "-t", "filter", "-S", "--wait"}));
  const std::string text =
      RebuiltTable(saved, added, StaleChainsIn(listing, active));
  report_.table_bytes += static_cast<int64_t>(text.size());
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    report_.chains += text[at] == ':';
    report_.rules += text[at] == '-';
  }
  return OutputOf({FilterProgram(family, "-restore"), "--wait", "-T", "filter"},
                  text)
      .status();
}

absl::Status FullRebuildEngine::DestroyStaleSets(Family family,
                                                 const SetRestore& sets) {
  ++report_.commands;
  std::vector<std::string> found;
  {
    ASSIGN_OR_RETURN(const std::string saved,
                     OutputOf({kIpsetProgram, "save"}));
    found = PolicySetsIn(saved, family);
  }
  for (const std::string& name : found) {
    if (sets.Contains(name)) continue;
    ++report_.commands;
    RETURN_IF_ERROR(OutputOf({kIpsetProgram, "destroy", name}).status());
  }
  return absl::OkStatus();
}

}  // namespace netpol
