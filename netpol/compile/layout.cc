#include "netpol/compile/layout.h"

#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "netpol/rules/protocol.h"

namespace netpol {
namespace {

Rule Jump(const ChainName& chain, std::string comment,
          std::vector<Match> matches = {}) {
  Rule rule;
  rule.comment = std::move(comment);
  rule.matches = std::move(matches);
  rule.action = JumpAction{chain};
  return rule;
}

// kube-router recognises these rules by the id at the end of the comment.
Rule ExemptRange(const IpPrefix& range, const std::string& comment) {
  const std::string id =
      CompatibleRuleId({kInputChain, "-m", "comment", "--comment", comment,
                        "-d", range.ToString(), "-j", "RETURN"});
  Rule rule;
  // The kernel knows no condition that every address meets.
  if (range.length > 0) rule.destination = range;
  rule.comment = absl::StrCat(comment, " - ", id);
  rule.action = ReturnAction{};
  return rule;
}

Rule ExemptNodePorts(uint8_t protocol, const PortRange& ports) {
  const std::string name = ProtocolText(protocol);
  const std::string comment = absl::StrCat(
      "allow LOCAL ", absl::AsciiStrToUpper(name), " traffic to node ports");
  const std::string id = CompatibleRuleId(
      {kInputChain, "-p", name, "-m", "comment", "--comment", comment, "-m",
       "addrtype", "--dst-type", "LOCAL", "-m", "multiport", "--dports",
       absl::StrCat(ports.first, ":", ports.last), "-j", "RETURN"});
  Rule rule;
  rule.protocol = protocol;
  rule.comment = absl::StrCat(comment, " - ", id);
  rule.matches = {PortsMatch{{ports}}, LocalAddressMatch{Side::kDestination}};
  rule.action = ReturnAction{};
  return rule;
}

std::vector<Rule> Exemptions(const LayoutOptions& options, Family family) {
  std::vector<Rule> rules;
  for (const IpPrefix& range : options.cluster_ip_ranges) {
    if (range.family() != family) continue;
    rules.push_back(ExemptRange(
        range, "allow traffic to primary/secondary cluster IP range"));
  }
  for (uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP}) {
    rules.push_back(ExemptNodePorts(protocol, options.node_ports));
  }
  for (const IpPrefix& range : options.external_ip_ranges) {
    if (range.family() != family) continue;
    rules.push_back(
        ExemptRange(range, absl::StrCat("allow traffic to external IP range: ",
                                        range.ToString())));
  }
  for (const IpPrefix& range : options.load_balancer_ip_ranges) {
    if (range.family() != family) continue;
    rules.push_back(ExemptRange(
        range, absl::StrCat("allow traffic to load balancer IP range: ",
                            range.ToString())));
  }
  return rules;
}

// From the first look at a packet to the last, for one of the three hooks.
void AppendJudgement(const LayoutOptions& options, Family family, bool to_pods,
                     std::vector<Rule>& rules) {
  const uint32_t ours = options.allowed_mark | options.passed_mark;
  const SetName local_pods = LocalPodsSet(family);
  // A packet that comes with our bits set has been judged by nobody.
  Rule clear;
  clear.comment = "clear marks of others";
  clear.matches = {MarkMatch{0, ours, /*negated=*/true}};
  clear.action = SetMarkAction{0, ours};
  rules.push_back(std::move(clear));
  rules.push_back(Jump(RootChain(Direction::kEgress), "from local pods",
                       {SetMatch{local_pods, Side::kSource}}));
  if (to_pods) {
    rules.push_back(Jump(RootChain(Direction::kIngress), "to local pods",
                         {SetMatch{local_pods, Side::kDestination}}));
  }
  rules.push_back(Jump(TailChain(),
                       "rule to explicitly handle traffic for network policies "
                       "ACCEPT/REJECT decision"));
  Rule accept;
  accept.comment =
      "rule to explicitly ACCEPT traffic that comply to network policies";
  accept.matches = {MarkMatch{options.passed_mark, options.passed_mark}};
  accept.action = AcceptAction{};
  rules.push_back(std::move(accept));
}

Rule AcceptIcmp(Family family, uint8_t type, absl::string_view what) {
  Rule rule;
  rule.protocol = static_cast<uint8_t>(IPPROTO_ICMPV6);
  if (family == Family::kIPv4)
    rule.protocol = static_cast<uint8_t>(IPPROTO_ICMP);
  rule.comment = absl::StrCat("allow icmp ", what);
  rule.matches = {IcmpTypeMatch{type}};
  rule.action = AcceptAction{};
  return rule;
}

// The quotes are part of kube-router's comments.
std::vector<Rule> CommonRules(const LayoutOptions& options, Family family) {
  Rule invalid;
  invalid.comment = "\"rule to drop invalid state for pod\"";
  invalid.matches = {CtStateMatch{CtStateMatch::kInvalid}};
  invalid.action = DropAction{};
  Rule established;
  established.comment = "\"rule for stateful firewall for pod\"";
  established.matches = {
      CtStateMatch{CtStateMatch::kRelated | CtStateMatch::kEstablished}};
  established.action = AcceptAction{};
  std::vector<Rule> rules = {invalid, established};
  const bool v4 = family == Family::kIPv4;
  if (options.icmp == IcmpMode::kKubeRouter) {
    rules.push_back(AcceptIcmp(family, v4 ? 8 : 128, "echo requests"));
    rules.push_back(
        AcceptIcmp(family, v4 ? 3 : 1, "destination unreachable messages"));
    rules.push_back(AcceptIcmp(family, v4 ? 11 : 3, "time exceeded messages"));
  }
  if (!v4) {
    rules.push_back(AcceptIcmp(family, 135, "neighbor solicitation messages"));
    rules.push_back(AcceptIcmp(family, 136, "neighbor advertisement messages"));
    if (options.icmp == IcmpMode::kKubeRouter) {
      rules.push_back(AcceptIcmp(family, 129, "echo reply messages"));
    }
  }
  return rules;
}

}  // namespace

absl::string_view DirectionName(Direction direction) {
  return direction == Direction::kIngress ? "ingress" : "egress";
}

ChainName CommonChain() { return ChainName("KUBE-NWPLCY-COMMON"); }
ChainName AllowChain() { return ChainName("KUBE-NWPLCY-DEFAULT"); }
ChainName TailChain() { return ChainName("KUBE-NWPLCY-TAIL"); }

ChainName RootChain(Direction direction) {
  return ChainName(direction == Direction::kIngress ? "KUBE-POD-FW-INGRESS"
                                                    : "KUBE-POD-FW-EGRESS");
}

ChainName DispatchChain(Direction direction, const IpPrefix& prefix) {
  return ChainName(absl::StrCat(
      "KUBE-POD-FW-",
      NameHash({"dispatch", DirectionName(direction), prefix.ToString()})));
}

ChainName PodChain(const ObjectKey& pod, Direction direction, Family family) {
  return ChainName(
      absl::StrCat("KUBE-POD-FW-",
                   NameHash({"pod", pod.namespace_name, pod.name,
                             DirectionName(direction), FamilyName(family)})));
}

ChainName PolicyChain(const ObjectKey& policy, Direction direction,
                      Family family) {
  return ChainName(
      absl::StrCat("KUBE-NWPLCY-",
                   NameHash({"policy", policy.namespace_name, policy.name,
                             DirectionName(direction), FamilyName(family)})));
}

ChainName GroupChain(const std::vector<ObjectKey>& policies,
                     Direction direction, Family family) {
  std::vector<absl::string_view> fields = {"group", DirectionName(direction),
                                           FamilyName(family)};
  for (const ObjectKey& policy : policies) {
    fields.push_back(policy.namespace_name);
    fields.push_back(policy.name);
  }
  return ChainName(absl::StrCat("KUBE-NWPLCY-", NameHash(fields)));
}

SetName LocalPodsSet(Family family) {
  return SetName(family, "kube-router-local-pods");
}

std::vector<Chain> FixedChains(const LayoutOptions& options, Family family) {
  std::vector<Rule> input = Exemptions(options, family);
  AppendJudgement(options, family, /*to_pods=*/false, input);
  std::vector<Rule> forward;
  AppendJudgement(options, family, /*to_pods=*/true, forward);

  Rule allow;
  allow.comment = "rule to mark traffic matching a network policy";
  allow.action = SetMarkAction{options.allowed_mark, options.allowed_mark};
  Rule passed;
  passed.comment = "accept netpol-ok";
  passed.matches = {MarkMatch{options.passed_mark, options.passed_mark}};
  passed.action = AcceptAction{};

  return {
      {ChainName(kInputChain), std::move(input)},
      {ChainName(kForwardChain), forward},
      // What a service proxy on this node sends passes OUTPUT with the pod's
      // address.
      {ChainName(kOutputChain), forward},
      {CommonChain(), CommonRules(options, family)},
      {AllowChain(), {allow}},
      {TailChain(), {passed}},
  };
}

std::vector<Rule> RootChainHead(const LayoutOptions& options) {
  // Refusals end in REJECT, so whatever returns from here has passed. The same
  // rule takes back what the other direction allowed.
  Rule passed;
  passed.comment = "set netpol-ok mark";
  passed.action = SetMarkAction{options.passed_mark,
                                options.allowed_mark | options.passed_mark};
  return {Jump(CommonChain(), "common netpol rules"), passed};
}

MarkMatch AllowedMark(const LayoutOptions& options) {
  return MarkMatch{options.allowed_mark, options.allowed_mark};
}

}  // namespace netpol
