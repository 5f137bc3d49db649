#include "bench/yardstick/chain_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/yardstick/yardstick_names.h"

namespace netpol {
namespace {

constexpr size_t kMaxComment = 120;

std::string Comment(absl::string_view ns, absl::string_view name,
                    absl::string_view tag) {
  const std::string comment = absl::StrCat(ns, "/", name, " ", tag);
  return absl::StrCat(" -m comment --comment \"",
                      absl::string_view(comment).substr(0, kMaxComment), "\"");
}

// Writes the chain of one policy for one family.
class PolicyChainWriter {
 public:
  PolicyChainWriter(const PolicyModel& policy, Family family,
                    absl::string_view version, SetRestore& sets,
                    std::string& text)
      : policy_(policy),
        names_(policy.ns, policy.name, family),
        sets_(sets),
        text_(text),
        chain_(YardstickPolicyChain(policy.ns, policy.name, version, family)) {}

  std::string Write() {
    absl::StrAppend(&text_, ":", chain_, "\n");
    if (policy_.ingress) {
      WriteRules(RuleKind::kIngress, policy_.ingress_rules);
    }
    if (policy_.egress) WriteRules(RuleKind::kEgress, policy_.egress_rules);
    return std::move(chain_);
  }

 private:
  void WriteRules(RuleKind kind, const std::vector<RuleModel>& rules) {
    kind_ = kind;
    direction_ = kind == RuleKind::kIngress ? "ingress" : "egress";
    targets_ = names_.Targets(kind);
    sets_.AddTargets(targets_, policy_);
    for (size_t i = 0; i < rules.size(); ++i) {
      rule_ = static_cast<int>(i);
      if (!rules[i].peers.empty()) WritePods(rules[i]);
      if (rules[i].all_peers) WriteAnybody(rules[i]);
      if (!rules[i].blocks.empty()) WriteBlocks(rules[i]);
    }
  }

  void WritePods(const RuleModel& rule) {
    const std::string peers = names_.Peers(kind_, rule_);
    sets_.AddPeers(peers, rule.peers);
    WritePorts(rule, peers, "pods");
    WriteNamedPorts(rule, peers, "pods np");
    if (rule.ports.empty() && rule.named_ports.empty()) {
      WritePair(peers, targets_, "", "", "pods");
    }
  }

  void WriteAnybody(const RuleModel& rule) {
    if (rule.all_ports) WritePair("", targets_, "", "", "any");
    WritePorts(rule, "", "any");
    if (kind_ == RuleKind::kIngress) {
      WriteNamedPorts(rule, "", "any np");
      return;
    }
    // A name without peers becomes a number of any destination.
    for (const NamedPortModel& port : rule.named_ports) {
      WritePair("", targets_, port.protocol, absl::StrCat(port.number),
                "any np");
    }
  }

  void WriteBlocks(const RuleModel& rule) {
    const std::string blocks = names_.Blocks(kind_, rule_);
    if (!sets_.AddBlocks(blocks, rule.blocks)) return;
    if (rule.all_ports) WritePair(blocks, targets_, "", "", "cidr");
    WritePorts(rule, blocks, "cidr");
    // A name of what is no pod means nothing.
    if (kind_ == RuleKind::kIngress) WriteNamedPorts(rule, blocks, "cidr np");
  }

  void WritePorts(const RuleModel& rule, absl::string_view peers,
                  absl::string_view tag) {
    for (const PortModel& port : rule.ports) {
      WritePair(peers, targets_, port.protocol, port.numbers, tag);
    }
  }

  void WriteNamedPorts(const RuleModel& rule, absl::string_view peers,
                       absl::string_view tag) {
    for (size_t i = 0; i < rule.named_ports.size(); ++i) {
      const NamedPortModel& port = rule.named_ports[i];
      const std::string set =
          names_.NamedPort(kind_, rule_, static_cast<int>(i));
      sets_.AddNamedPort(set, port.pods);
      const bool ingress = kind_ == RuleKind::kIngress;
      WritePair(ingress ? peers : absl::string_view(set),
                ingress ? absl::string_view(set) : targets_, port.protocol,
                absl::StrCat(port.number), tag);
    }
  }

  // Everything that is allowed takes two rules: one marks, one returns. `own`
  // is the policy's side.
  void WritePair(absl::string_view peers, absl::string_view own,
                 absl::string_view protocol, absl::string_view ports,
                 absl::string_view tag) {
    const bool ingress = kind_ == RuleKind::kIngress;
    std::string rule = absl::StrCat(
        "-A ", chain_,
        Comment(policy_.ns, policy_.name, absl::StrCat(direction_, " ", tag)));
    AppendSetMatch(ingress ? peers : own, "src", rule);
    AppendSetMatch(ingress ? own : peers, "dst", rule);
    if (!protocol.empty()) absl::StrAppend(&rule, " -p ", protocol);
    if (!ports.empty()) absl::StrAppend(&rule, " --dport ", ports);
    absl::StrAppend(&text_, rule, " -j MARK --set-xmark 0x10000/0x10000\n");
    absl::StrAppend(&text_, rule,
                    " -m mark --mark 0x10000/0x10000 -j RETURN\n");
  }

  static void AppendSetMatch(absl::string_view set, absl::string_view side,
                             std::string& rule) {
    if (set.empty()) return;
    absl::StrAppend(&rule, " -m set --match-set ", set, " ", side);
  }

  const PolicyModel& policy_;
  YardstickSetNames names_;
  SetRestore& sets_;
  std::string& text_;
  std::string chain_;
  // Of the rule being written.
  RuleKind kind_ = RuleKind::kIngress;
  absl::string_view direction_;
  std::string targets_;
  int rule_ = 0;
};

void AppendJumpsToPod(const CachedPod& pod, absl::string_view ip,
                      absl::string_view chain, std::string& text) {
  const std::string in = Comment(pod.ns, pod.name, "in");
  const std::string out = Comment(pod.ns, pod.name, "out");
  constexpr absl::string_view kBridged = " -m physdev --physdev-is-bridged";
  struct Jump {
    absl::string_view from, side, extra;
  };
  for (const Jump& jump :
       {Jump{"INPUT", "-s", ""}, Jump{"FORWARD", "-d", ""},
        Jump{"FORWARD", "-d", kBridged}, Jump{"FORWARD", "-s", ""},
        Jump{"FORWARD", "-s", kBridged}, Jump{"OUTPUT", "-d", ""},
        Jump{"OUTPUT", "-s", ""}}) {
    absl::StrAppend(&text, "-A KUBE-ROUTER-", jump.from, " ", jump.side, " ");
    absl::StrAppend(&text, ip, jump.extra, jump.side == "-d" ? in : out, " -j ",
                    chain, "\n");
  }
}

// The policies that select the pod, and whether any does for each direction.
struct Selecting {
  std::vector<const PolicyAndChain*> policies;
  bool ingress = false;
  bool egress = false;
};

Selecting PoliciesOf(const CachedPod& pod,
                     const std::vector<PolicyAndChain>& policies) {
  Selecting selecting;
  for (const PolicyAndChain& candidate : policies) {
    if (!candidate.policy->targets.contains(pod.ip)) continue;
    selecting.policies.push_back(&candidate);
    selecting.ingress |= candidate.policy->ingress;
    selecting.egress |= candidate.policy->egress;
  }
  return selecting;
}

void AppendPolicyJumps(const Selecting& selecting, absl::string_view start,
                       absl::string_view from, absl::string_view to,
                       std::string& text) {
  // Each was put in front of the last.
  for (auto it = selecting.policies.rbegin(); it != selecting.policies.rend();
       ++it) {
    const PolicyModel& policy = *(*it)->policy;
    absl::string_view side;
    if (!policy.egress) side = to;
    if (!policy.ingress) side = from;
    absl::StrAppend(&text, start, side,
                    Comment(policy.ns, policy.name, "policy"), " -j ",
                    (*it)->chain);
    absl::StrAppend(&text, "\n");
  }
}

// Refuses what nobody has marked, and leaves the mark of what passed.
void AppendEndOfPodChain(const CachedPod& pod, Family family,
                         absl::string_view start, std::string& text) {
  constexpr absl::string_view kUnmarked = " -m mark ! --mark 0x10000/0x10000";
  absl::StrAppend(&text, start, Comment(pod.ns, pod.name, "log-drop"),
                  kUnmarked,
                  " -m limit --limit 10/minute --limit-burst 10 -j NFLOG "
                  "--nflog-group 100\n");
  absl::StrAppend(&text, start, Comment(pod.ns, pod.name, "reject"), kUnmarked,
                  " -j REJECT --reject-with ",
                  family == Family::kIPv4 ? "icmp" : "icmp6");
  absl::StrAppend(&text, "-port-unreachable\n", start,
                  " -j MARK --set-xmark 0x0/0x10000\n");
  absl::StrAppend(&text, start,
                  " -m comment --comment \"set netpol-ok mark\" -j MARK "
                  "--set-xmark 0x20000/0x20000\n");
}

}  // namespace

std::string AppendPolicyChain(const PolicyModel& policy, Family family,
                              absl::string_view version, SetRestore& sets,
                              std::string& text) {
  return PolicyChainWriter(policy, family, version, sets, text).Write();
}

std::string AppendPodChain(const CachedPod& pod,
                           const std::vector<PolicyAndChain>& policies,
                           Family family, absl::string_view version,
                           std::string& text) {
  const absl::string_view ip = pod.IpOf(family);
  if (ip.empty()) return "";
  const std::string chain = YardstickPodChain(pod.ns, pod.name, version);
  const std::string start = absl::StrCat("-A ", chain);
  const std::string from = absl::StrCat(" -s ", ip);
  const std::string to = absl::StrCat(" -d ", ip);
  const Selecting selecting = PoliciesOf(pod, policies);
  absl::StrAppend(&text, ":", chain, "\n", start,
                  " -m comment --comment \"common netpol rules\" -j "
                  "KUBE-NWPLCY-COMMON\n");
  absl::StrAppend(&text, start, to,
                  " -m comment --comment \"from local node\" -m addrtype "
                  "--src-type LOCAL -j ACCEPT\n");
  if (!selecting.egress) {
    absl::StrAppend(&text, start, from,
                    " -m comment --comment \"default egress\" -j "
                    "KUBE-NWPLCY-DEFAULT\n");
  }
  if (!selecting.ingress) {
    absl::StrAppend(&text, start, to,
                    " -m comment --comment \"default ingress\" -j "
                    "KUBE-NWPLCY-DEFAULT\n");
  }
  AppendPolicyJumps(selecting, start, from, to, text);
  AppendEndOfPodChain(pod, family, start, text);
  AppendJumpsToPod(pod, ip, chain, text);
  return chain;
}

}  // namespace netpol
