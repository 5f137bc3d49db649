#include "tests/kernel/take_over/kube_router_layout.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "bench/yardstick/chain_text.h"
#include "bench/yardstick/fixed_rules.h"
#include "bench/yardstick/object_cache.h"
#include "bench/yardstick/policy_model.h"
#include "bench/yardstick/set_restore.h"
#include "bench/yardstick/table_text.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/take_over/node_programs.h"
#include "tests/kernel/take_over/older_comments.h"

namespace netpol {
namespace {

std::vector<std::string> OfFamily(Family family,
                                  const std::vector<std::string>& ranges) {
  std::vector<std::string> some;
  for (const std::string& range : ranges) {
    if (LooksLike(family, range)) some.push_back(range);
  }
  return some;
}

FixedRuleOptions FixedOf(Family family, const KubeRouterOptions& options) {
  FixedRuleOptions fixed;
  fixed.family = family;
  fixed.cluster_ip_ranges = OfFamily(family, options.cluster_ip_ranges);
  fixed.external_ip_ranges = OfFamily(family, options.external_ip_ranges);
  fixed.load_balancer_ip_ranges =
      OfFamily(family, options.load_balancer_ip_ranges);
  fixed.pod_cidrs = OfFamily(family, options.pod_cidrs);
  return fixed;
}

// As iptables-restore splits a line into words.
std::string Line(absl::string_view begin, const FixedRule& rule) {
  std::string line = absl::StrCat(begin);
  for (const std::string& word : rule.words) {
    absl::StrAppend(&line, " ");
    if (absl::StrContains(word, ' ')) {
      absl::StrAppend(&line, "\"", absl::StrReplaceAll(word, {{"\"", "\\\""}}),
                      "\"");
    } else {
      absl::StrAppend(&line, word);
    }
  }
  return absl::StrCat(line, "\n");
}

std::string FixedText(const FixedRuleOptions& options) {
  std::string text;
  std::vector<FixedRule> rules = Exemptions(options);
  for (const FixedRule& rule : CommonRules(options.family))
    rules.push_back(rule);
  rules.push_back(DefaultRule());
  for (const FixedRule& rule : TailRules(options)) rules.push_back(rule);
  for (const FixedRule& jump : HookJumps()) {
    absl::StrAppend(&text, ":", jump.words.back(), "\n");
    text += Line(absl::StrCat("-I ", jump.chain, " 1"), jump);
  }
  for (const absl::string_view chain :
       {absl::string_view("KUBE-NWPLCY-COMMON"),
        absl::string_view("KUBE-NWPLCY-DEFAULT"), kTailChain}) {
    absl::StrAppend(&text, ":", chain, "\n");
  }
  for (const FixedRule& rule : rules)
    text += Line(absl::StrCat("-A ", rule.chain), rule);
  return text;
}

// What the release did not have yet is left out.
std::string AsOf(KubeRouterRelease release, absl::string_view text) {
  std::string older;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (release < KubeRouterRelease::kV2_10 &&
        absl::StrContains(line, kTailChain)) {
      continue;
    }
    if (release < KubeRouterRelease::kV2_8 &&
        absl::StrContains(line, "allow LOCAL SCTP")) {
      continue;
    }
    absl::StrAppend(&older,
                    release < KubeRouterRelease::kV2_11 ? WithOlderComment(line)
                                                        : std::string(line),
                    "\n");
  }
  return older;
}

// The table's text; what it needs is put into `sets`.
std::string TableText(const ObjectCache& cache,
                      const std::vector<PolicyModel>& policies,
                      const KubeRouterOptions& options, Family family,
                      SetRestore& sets) {
  const FixedRuleOptions fixed = FixedOf(family, options);
  std::string text = FixedText(fixed);
  std::vector<PolicyAndChain> chains;
  chains.reserve(policies.size());
  for (const PolicyModel& policy : policies) {
    chains.push_back({&policy, AppendPolicyChain(policy, family, options.stamp,
                                                 sets, text)});
  }
  const std::vector<const CachedPod*> local = cache.ListLocalPods(options.node);
  for (const CachedPod* pod : local)
    AppendPodChain(*pod, chains, family, options.stamp, text);
  if (!fixed.pod_cidrs.empty()) {
    sets.AddPeers(absl::StrCat(family == Family::kIPv6 ? "inet6:" : "",
                               "kube-router-local-pods"),
                  local);
  }
  return AsOf(options.release, RebuiltTable("", text, {}));
}

}  // namespace

KubeRouterText KubeRouterLayout(const Cluster& cluster,
                                const KubeRouterOptions& options) {
  ObjectCache cache;
  for (const v1::WatchEvent& event : ListingOf(cluster)) cache.Apply(event);
  const std::vector<PolicyModel> policies = BuildPolicyModels(cache);
  KubeRouterText text;
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    SetRestore sets(family);
    text.tables[static_cast<int>(family)] =
        TableText(cache, policies, options, family, sets);
    text.sets += sets.Text("");
  }
  return text;
}

absl::Status Lay(const KubeRouterText& text, Flavour flavour, const NetNs& ns) {
  RETURN_IF_ERROR(
      RunOn(ns, {"ipset", "restore", "-exist"}, text.sets).status());
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    RETURN_IF_ERROR(RunOn(ns,
                          {TablesProgram(flavour, family, "-restore"),
                           "--noflush", "--wait", "-T", "filter"},
                          text.tables[static_cast<int>(family)])
                        .status());
  }
  return absl::OkStatus();
}

}  // namespace netpol
