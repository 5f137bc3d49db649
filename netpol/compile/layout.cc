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

// A packet that comes with our bits set has been judged by nobody.
Rule ClearMarks(const LayoutOptions& options) {
  const uint32_t ours = options.allowed_mark | options.passed_mark;
  Rule clear;
  clear.comment = "clear marks of others";
  clear.matches = {MarkMatch{0, ours, /*negated=*/true}};
  clear.action = SetMarkAction{0, ours};
  return clear;
}

Rule AcceptPassed(const LayoutOptions& options, std::string comment) {
  Rule accept;
  accept.comment = std::move(comment);
  accept.matches = {MarkMatch{options.passed_mark, options.passed_mark}};
  accept.action = AcceptAction{};
  return accept;
}

Rule ToEgress(Family family, std::vector<Match> more = {}) {
  std::vector<Match> matches = {SetMatch{LocalPodsSet(family), Side::kSource}};
  matches.insert(matches.end(), more.begin(), more.end());
  return Jump(RootChain(Direction::kEgress), "", std::move(matches));
}

Rule ToIngress(Family family) {
  return Jump(RootChain(Direction::kIngress), "",
              {SetMatch{LocalPodsSet(family), Side::kDestination}});
}

// The last two of each hook.
void AppendEnd(const LayoutOptions& options, std::vector<Rule>& rules) {
  rules.push_back(Jump(TailChain(),
                       "rule to explicitly handle traffic for network policies "
                       "ACCEPT/REJECT decision"));
  rules.push_back(AcceptPassed(
      options,
      "rule to explicitly ACCEPT traffic that comply to network policies"));
}

std::vector<Rule> InputRules(const LayoutOptions& options, Family family) {
  std::vector<Rule> rules;
  if (options.default_deny) {
    // Before the exemptions, which are for pods.
    rules.push_back(ClearMarks(options));
    rules.push_back(
        Jump(TailChain(), "from unprogrammed local pods",
             {SetMatch{PodCidrsSet(family), Side::kSource},
              SetMatch{LocalPodsSet(family), Side::kSource, 1, true}}));
  }
  for (Rule& rule : Exemptions(options, family))
    rules.push_back(std::move(rule));
  if (!options.default_deny) rules.push_back(ClearMarks(options));
  // What is delivered to the node itself goes to no pod.
  rules.push_back(ToEgress(family));
  AppendEnd(options, rules);
  return rules;
}

// Nearly every packet is of a known connection. One comparison sets it apart,
// and no look-up is made that another rule makes again.
Rule ToEstablished() {
  Rule rule;
  rule.matches = {
      CtStateMatch{CtStateMatch::kRelated | CtStateMatch::kEstablished}};
  rule.action = GotoAction{EstablishedChain()};
  return rule;
}

// Without comments: what every packet meets is to be short.
std::vector<Rule> EstablishedRules(Family family) {
  std::vector<Rule> rules;
  for (Side side : {Side::kDestination, Side::kSource}) {
    Rule accept;
    accept.matches = {SetMatch{LocalPodsSet(family), side}};
    accept.action = AcceptAction{};
    rules.push_back(std::move(accept));
  }
  return rules;
}

std::vector<Rule> ForwardRules(const LayoutOptions& options, Family family) {
  std::vector<Rule> rules = {ToEstablished(), ClearMarks(options),
                             ToEgress(family), ToIngress(family)};
  AppendEnd(options, rules);
  return rules;
}

std::vector<Rule> OutputRules(const LayoutOptions& options, Family family) {
  std::vector<Rule> rules;
  rules.push_back(ClearMarks(options));
  rules.push_back(Jump(FromNodeChain(), "to local pods",
                       {SetMatch{LocalPodsSet(family), Side::kDestination}}));
  // What a service proxy on this node sends on passes OUTPUT with its sender's
  // address; what has the node's own is no pod's, whatever a pod claims.
  rules.push_back(
      ToEgress(family, {NodeAddress(family, Side::kSource, /*negated=*/true)}));
  rules.push_back(ToIngress(family));
  if (options.default_deny) {
    // Probes of a new pod, and the errors that its refused packets get.
    Rule own;
    own.comment = "from local node";
    own.matches = {SetMatch{PodCidrsSet(family), Side::kDestination},
                   NodeAddress(family, Side::kSource)};
    own.action = ReturnAction{};
    rules.push_back(std::move(own));
  }
  AppendEnd(options, rules);
  return rules;
}

// Established packets first: whether the source is the node's is asked of new
// connections only.
std::vector<Rule> FromNodeRules(const LayoutOptions& options, Family family) {
  Rule own;
  own.comment = "from local node";
  own.matches = {NodeAddress(family, Side::kSource)};
  own.action = SetMarkAction{options.passed_mark, options.passed_mark};
  return {Jump(CommonChain(), "common netpol rules"), std::move(own),
          AcceptPassed(options, "accept netpol-ok")};
}

// Refuses a new connection with an end within the pod CIDRs that is not the
// node's own.
Rule RejectWithinCidrs(Family family, Side side, std::string comment,
                       bool known_too) {
  Rule rule;
  rule.comment = std::move(comment);
  rule.matches = {SetMatch{PodCidrsSet(family), side}};
  if (!known_too)
    rule.matches.push_back(SetMatch{LocalPodsSet(family), side, 1, true});
  rule.matches.push_back(
      CtStateMatch{CtStateMatch::kRelated | CtStateMatch::kEstablished,
                   /*negated=*/true});
  rule.matches.push_back(NodeAddress(family, side, /*negated=*/true));
  rule.action = RejectAction{};
  return rule;
}

std::vector<Rule> TailRules(const LayoutOptions& options, Family family) {
  std::vector<Rule> rules;
  const auto reject = [&](const std::string& comment, bool known_too) {
    for (Side side : {Side::kSource, Side::kDestination})
      rules.push_back(RejectWithinCidrs(family, side, comment, known_too));
  };
  if (options.default_deny) {
    if (family == Family::kIPv6) {
      // Not tracked, so never established; without it nothing is reached, the
      // node neither.
      for (uint8_t type : {133, 134, 135, 136}) {
        Rule discovery;
        discovery.protocol = static_cast<uint8_t>(IPPROTO_ICMPV6);
        discovery.comment = "allow neighbor discovery";
        discovery.matches = {IcmpTypeMatch{type}};
        discovery.action = ReturnAction{};
        rules.push_back(std::move(discovery));
      }
    }
    reject("reject unprogrammed local pod (default-deny)", false);
  }
  rules.push_back(AcceptPassed(options, "accept netpol-ok"));
  // What was looked at before its address became a known pod's, and is looked
  // at here after.
  if (options.default_deny) reject("reject pre-netpol (default-deny)", true);
  return rules;
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

// As kube-router's comments, without the quotes that these have of their own.
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
ChainName EstablishedChain() { return ChainName("KUBE-POD-FW-ESTABLISHED"); }
ChainName FromNodeChain() { return ChainName("KUBE-POD-FW-NODE"); }

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

SetName PodCidrsSet(Family family) {
  return SetName(family, "kube-router-pod-cidrs");
}

std::vector<Chain> FixedChains(const LayoutOptions& options, Family family) {
  Rule allow;
  allow.comment = "rule to mark traffic matching a network policy";
  allow.action = SetMarkAction{options.allowed_mark, options.allowed_mark};
  return {
      {ChainName(kInputChain), InputRules(options, family)},
      {ChainName(kForwardChain), ForwardRules(options, family)},
      {ChainName(kOutputChain), OutputRules(options, family)},
      {FromNodeChain(), FromNodeRules(options, family)},
      {EstablishedChain(), EstablishedRules(family)},
      {CommonChain(), CommonRules(options, family)},
      {AllowChain(), {allow}},
      {TailChain(), TailRules(options, family)},
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

LocalAddressMatch NodeAddress(Family family, Side side, bool negated) {
  // A tunnel's address that is also the first one of a bridge's subnet is
  // anycast to the kernel, for as long as the bridge is there.
  return LocalAddressMatch{side, negated, family == Family::kIPv6};
}

MarkMatch AllowedMark(const LayoutOptions& options) {
  return MarkMatch{options.allowed_mark, options.allowed_mark};
}

}  // namespace netpol
