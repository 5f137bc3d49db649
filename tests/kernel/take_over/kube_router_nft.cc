#include "tests/kernel/take_over/kube_router_nft.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "bench/yardstick/object_cache.h"
#include "bench/yardstick/policy_model.h"
#include "bench/yardstick/yardstick_names.h"
#include "netpol/base/status_macros.h"
#include "netpol/rules/names.h"
#include "tests/kernel/take_over/node_programs.h"

namespace netpol {
namespace {

// Writes the table of one family.
class NftTableWriter {
 public:
  NftTableWriter(const ObjectCache& cache, const KubeRouterOptions& options,
                 Family family)
      : cache_(cache),
        options_(options),
        family_(family),
        ip_(family == Family::kIPv4 ? "ip" : "ip6"),
        name_(absl::StrCat("kube-router-filter-",
                           family == Family::kIPv4 ? "ipv4" : "ipv6")) {}

  std::string Write(const std::vector<PolicyModel>& policies) {
    WriteFixed();
    for (const PolicyModel& policy : policies) WritePolicy(policy);
    const auto local = cache_.ListLocalPods(options_.node);
    std::vector<std::string> addresses;
    for (const CachedPod* pod : local) {
      const absl::string_view ip = pod->IpOf(family_);
      if (ip.empty()) continue;
      WritePod(*pod, ip, policies);
      if (!Cidrs().empty()) addresses.emplace_back(ip);
    }
    AddSet("kube-router-local-pods", false, "programmed local pod IPs",
           addresses);
    WriteTop(local);
    return absl::StrCat("table ", ip_, " ", name_, " {\n comment \"rules for ",
                        name_, "\"\n", sets_, chains_, "}\n");
  }

 private:
  using Lines = std::vector<std::string>;

  static std::string Comment(absl::string_view text) {
    return absl::StrCat(" comment \"", text, "\"");
  }

  std::vector<std::string> Cidrs() const {
    std::vector<std::string> cidrs;
    for (const std::string& cidr : options_.pod_cidrs) {
      if (LooksLike(family_, cidr)) cidrs.push_back(cidr);
    }
    return cidrs;
  }

  void AddSet(absl::string_view name, bool intervals, absl::string_view comment,
              const Lines& elements) {
    absl::StrAppend(&sets_, " set ", name, " {\n  type ",
                    family_ == Family::kIPv4 ? "ipv4_addr" : "ipv6_addr", "\n",
                    intervals ? "  flags interval\n" : "");
    absl::StrAppend(&sets_, " ", Comment(comment), "\n");
    if (!elements.empty()) {
      absl::StrAppend(&sets_, "  elements = { ", absl::StrJoin(elements, ", "),
                      " }\n");
    }
    absl::StrAppend(&sets_, " }\n");
  }

  void AddChain(absl::string_view name, absl::string_view comment,
                const Lines& rules, absl::string_view hook = "") {
    absl::StrAppend(&chains_, " chain ", name, " {\n");
    if (!hook.empty()) {
      absl::StrAppend(&chains_, "  type filter hook ", hook,
                      " priority filter; policy accept;\n");
    }
    absl::StrAppend(&chains_, " ", Comment(comment), "\n");
    for (const std::string& rule : rules)
      absl::StrAppend(&chains_, "  ", rule, "\n");
    absl::StrAppend(&chains_, " }\n");
  }

  void WriteFixed() {
    AddChain("KUBE-NWPLCY-DEFAULT", "DEFAULT chain for kube-router",
             {absl::StrCat("counter meta mark set mark or 0x10000",
                           Comment("mark netpol match"))});
    const bool v4 = family_ == Family::kIPv4;
    Lines common = {"ct state invalid counter drop",
                    "ct state established,related counter accept"};
    const Lines types =
        v4 ? Lines{"echo-request", "destination-unreachable", "time-exceeded"}
           : Lines{"echo-request",       "destination-unreachable",
                   "time-exceeded",      "nd-neighbor-solicit",
                   "nd-neighbor-advert", "echo-reply"};
    for (const std::string& type : types) {
      common.push_back(absl::StrCat(
          v4 ? "icmp" : "icmpv6", " type ", type, " counter accept",
          Comment(absl::StrCat("allow icmp ", type, " messages"))));
    }
    AddChain("KUBE-NWPLCY-COMMON", "COMMON chain for kube-router", common);
    Lines tail;
    for (const std::string& cidr : Cidrs()) {
      for (const char* side : {"saddr", "daddr"}) {
        tail.push_back(absl::StrCat(ip_, " ", side, " ", cidr, " ", ip_, " ") +
                       absl::StrCat(side,
                                    " != @kube-router-local-pods counter "
                                    "reject"));
      }
    }
    tail.push_back("meta mark and 0x20000 == 0x20000 counter accept");
    for (const std::string& cidr : Cidrs()) {
      for (const char* side : {"saddr", "daddr"}) {
        tail.push_back(
            absl::StrCat(ip_, " ", side, " ", cidr, " counter reject"));
      }
    }
    AddChain("KUBE-NWPLCY-TAIL", "TAIL chain for kube-router", tail);
  }

  // ---- policies

  static std::string Plain(absl::string_view set) {
    absl::ConsumePrefix(&set, "inet6:");
    return std::string(set);
  }

  Lines Addresses(const std::vector<const CachedPod*>& pods) const {
    Lines addresses;
    for (const CachedPod* pod : pods) {
      const absl::string_view ip = pod->IpOf(family_);
      if (!ip.empty()) addresses.emplace_back(ip);
    }
    return addresses;
  }

  Lines Blocks(const std::vector<const k8s::IPBlock*>& blocks,
               bool excepts) const {
    Lines texts;
    for (const k8s::IPBlock* block : blocks) {
      Lines some = {block->cidr()};
      if (excepts) some = Lines(block->except().begin(), block->except().end());
      for (const std::string& cidr : some) {
        if (LooksLike(family_, cidr)) texts.push_back(cidr);
      }
    }
    return texts;
  }

  // An allowance of one spec rule for each of its ports.
  void AppendAllowances(const RuleModel& rule, absl::string_view peers,
                        absl::string_view own, bool ingress,
                        const YardstickSetNames& names, int index,
                        Lines& rules) {
    const auto allow = [&](absl::string_view from, absl::string_view to,
                           absl::string_view protocol, std::string ports) {
      std::string text;
      if (!from.empty()) absl::StrAppend(&text, ip_, " saddr @", from, " ");
      if (!to.empty()) absl::StrAppend(&text, ip_, " daddr @", to, " ");
      const std::string name = absl::AsciiStrToLower(protocol);
      ports = absl::StrReplaceAll(ports, {{":", "-"}});
      if (!ports.empty()) {
        absl::StrAppend(&text, name, " dport ", ports, " ");
      } else if (!name.empty()) {
        absl::StrAppend(&text, "meta l4proto ", name, " ");
      }
      rules.push_back(absl::StrCat(
          text, "counter meta mark set meta mark or 0x10000 return"));
    };
    const absl::string_view from = ingress ? peers : own;
    const absl::string_view to = ingress ? own : peers;
    if (rule.all_ports) allow(from, to, "", "");
    for (const PortModel& port : rule.ports)
      allow(from, to, port.protocol, port.numbers);
    for (size_t i = 0; i < rule.named_ports.size(); ++i) {
      const NamedPortModel& port = rule.named_ports[i];
      const std::string set = Plain(
          names.NamedPort(ingress ? RuleKind::kIngress : RuleKind::kEgress,
                          index, static_cast<int>(i)));
      AddSet(set, false, "netpol set", Addresses(port.pods));
      allow(from, set, port.protocol, absl::StrCat(port.number));
    }
  }

  void AppendBlocks(const PolicyModel& policy, const RuleModel& rule,
                    const std::string& own, bool ingress,
                    const YardstickSetNames& names, int index, Lines& rules) {
    const Lines blocks = Blocks(rule.blocks, false);
    if (blocks.empty()) return;
    const std::string set = Plain(
        names.Blocks(ingress ? RuleKind::kIngress : RuleKind::kEgress, index));
    AddSet(set, true, "netpol ipblock set", blocks);
    const Lines excepts = Blocks(rule.blocks, true);
    if (excepts.empty()) {
      AppendAllowances(rule, set, own, ingress, names, index, rules);
      return;
    }
    const auto hash = [&](absl::string_view end) {
      return CompatibleRuleId({policy.ns, policy.name,
                               ingress ? "ingressrule" : "egressrule",
                               absl::StrCat(index), FamilyName(family_), end});
    };
    const std::string except_set = absl::StrCat(
        ingress ? "KUBE-SRC-" : "KUBE-DST-", hash("ipblockexcept"));
    AddSet(except_set, true, "netpol ipblock except set", excepts);
    Lines inner = {absl::StrCat(ip_, ingress ? " saddr @" : " daddr @",
                                except_set, " counter return")};
    AppendAllowances(rule, set, own, ingress, names, index, inner);
    const std::string chain =
        absl::StrCat(kPolicyChainPrefix, hash("ipblockchain"));
    AddChain(chain, Title("netpol", policy.ns, policy.name), inner);
    rules.push_back(absl::StrCat("counter jump ", chain));
  }

  static std::string Title(absl::string_view what, absl::string_view ns,
                           absl::string_view name) {
    return absl::StrCat(what, " ", ns, "/", name);
  }

  void AppendDirection(const PolicyModel& policy, bool ingress,
                       const YardstickSetNames& names, Lines& rules) {
    const RuleKind kind = ingress ? RuleKind::kIngress : RuleKind::kEgress;
    const std::string own = Plain(names.Targets(kind));
    std::vector<const CachedPod*> targets;
    for (const auto& [ip, pod] : policy.targets) targets.push_back(pod);
    AddSet(own, false, "netpol set", Addresses(targets));
    const std::vector<RuleModel>& specs =
        ingress ? policy.ingress_rules : policy.egress_rules;
    for (size_t i = 0; i < specs.size(); ++i) {
      const int index = static_cast<int>(i);
      if (!specs[i].peers.empty()) {
        const std::string peers = Plain(names.Peers(kind, index));
        AddSet(peers, false, "netpol set", Addresses(specs[i].peers));
        AppendAllowances(specs[i], peers, own, ingress, names, index, rules);
      }
      if (specs[i].all_peers)
        AppendAllowances(specs[i], "", own, ingress, names, index, rules);
      AppendBlocks(policy, specs[i], own, ingress, names, index, rules);
    }
  }

  std::string ChainOf(const PolicyModel& policy) const {
    return YardstickPolicyChain(policy.ns, policy.name, options_.stamp,
                                family_);
  }

  void WritePolicy(const PolicyModel& policy) {
    const YardstickSetNames names(policy.ns, policy.name, family_);
    Lines rules;
    if (policy.ingress) AppendDirection(policy, true, names, rules);
    if (policy.egress) AppendDirection(policy, false, names, rules);
    AddChain(ChainOf(policy), Title("netpol", policy.ns, policy.name), rules);
  }

  // ---- pods

  void WritePod(const CachedPod& pod, absl::string_view ip,
                const std::vector<PolicyModel>& policies) {
    const std::string from = absl::StrCat(ip_, " saddr ", ip);
    const std::string to = absl::StrCat(ip_, " daddr ", ip);
    Lines rules = {
        "counter jump KUBE-NWPLCY-COMMON",
        absl::StrCat("fib saddr type local ", to, " counter accept")};
    bool isolated[2] = {false, false};  // ingress, egress
    for (const PolicyModel& policy : policies) {
      if (!policy.targets.contains(pod.ip)) continue;
      isolated[0] |= policy.ingress;
      isolated[1] |= policy.egress;
      std::string side;
      if (!policy.egress) side = absl::StrCat(to, " ");
      if (!policy.ingress) side = absl::StrCat(from, " ");
      rules.push_back(absl::StrCat(side, "counter jump ", ChainOf(policy)));
    }
    for (const int direction : {1, 0}) {
      if (isolated[direction]) continue;
      rules.push_back(absl::StrCat(direction == 1 ? from : to,
                                   " counter jump KUBE-NWPLCY-DEFAULT"));
    }
    const std::string unmarked = "meta mark and 0x10000 == 0x0";
    rules.push_back(unmarked +
                    " limit rate 10/minute burst 10 packets log group 100");
    rules.push_back(unmarked + " counter reject");
    rules.emplace_back("meta mark set meta mark and 0xfffeffff");
    rules.emplace_back("meta mark set meta mark or 0x20000");
    AddChain(YardstickPodChain(pod.ns, pod.name, options_.stamp),
             Title("podfw", pod.ns, pod.name), rules);
  }

  // ---- hooks

  Lines InputHead() const {
    Lines rules;
    for (const std::string& range : options_.cluster_ip_ranges) {
      if (!LooksLike(family_, range)) continue;
      rules.push_back(absl::StrCat(ip_, " daddr ", range, " counter return",
                                   Comment("allow cluster IP range")));
    }
    for (const std::string protocol : {"tcp", "udp", "sctp"}) {
      rules.push_back(
          absl::StrCat("meta l4proto ", protocol, " fib daddr type local ",
                       protocol, " dport 30000-32767 counter return",
                       Comment(absl::StrCat("allow ", protocol, " nodeport"))));
    }
    return rules;
  }

  void WriteTop(const std::vector<const CachedPod*>& local) {
    for (const char* hook : {"INPUT", "FORWARD", "OUTPUT"}) {
      const bool input = absl::string_view(hook) == "INPUT";
      Lines rules = input ? InputHead() : Lines();
      for (const CachedPod* pod : local) {
        const absl::string_view ip = pod->IpOf(family_);
        if (ip.empty()) continue;
        const std::string jump =
            absl::StrCat(ip, " counter jump ",
                         YardstickPodChain(pod->ns, pod->name, options_.stamp));
        if (!input) rules.push_back(absl::StrCat(ip_, " daddr ", jump));
        rules.push_back(absl::StrCat(ip_, " saddr ", jump));
      }
      rules.push_back(absl::StrCat("counter jump KUBE-NWPLCY-TAIL",
                                   Comment("netpol accept/reject")));
      rules.push_back(
          absl::StrCat("meta mark and 0x20000 == 0x20000 counter accept",
                       Comment("accept netpol-ok")));
      AddChain(absl::StrCat("KUBE-ROUTER-", hook),
               absl::StrCat("top level ", hook, " chain for kube-router"),
               rules, absl::AsciiStrToLower(hook));
    }
  }

  const ObjectCache& cache_;
  const KubeRouterOptions& options_;
  const Family family_;
  const std::string ip_;
  const std::string name_;
  std::string sets_;
  std::string chains_;
};

}  // namespace

std::string KubeRouterNft(const Cluster& cluster,
                          const KubeRouterOptions& options) {
  ObjectCache cache;
  for (const v1::WatchEvent& event : ListingOf(cluster)) cache.Apply(event);
  const std::vector<PolicyModel> policies = BuildPolicyModels(cache);
  std::string text;
  for (const Family family : {Family::kIPv4, Family::kIPv6})
    text += NftTableWriter(cache, options, family).Write(policies);
  return text;
}

absl::Status LayNft(const std::string& text, const NetNs& ns) {
  return RunOn(ns, {"nft", "-f", "-"}, text).status();
}

}  // namespace netpol
