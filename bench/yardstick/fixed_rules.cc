#include "bench/yardstick/fixed_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kIdLength = 16;

Words Commented(absl::string_view comment, const Words& rest) {
  Words rule = {"-m", "comment", "--comment", std::string(comment)};
  rule.insert(rule.end(), rest.begin(), rest.end());
  return rule;
}

Words With(Words words, const Words& rest) {
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

Words::const_iterator CommentOf(const Words& words) {
  return std::find(words.begin(), words.end(), "--comment") + 1;
}

// The id is of the rule without it.
FixedRule WithId(std::string chain, Words words) {
  std::vector<absl::string_view> hashed = {chain};
  hashed.insert(hashed.end(), words.begin(), words.end());
  const std::string id = CompatibleRuleId(hashed);
  const auto comment = CommentOf(words) - words.begin();
  absl::StrAppend(&words[static_cast<size_t>(comment)], " - ", id);
  return {std::move(chain), std::move(words)};
}

FixedRule ExemptRange(const std::string& range, absl::string_view comment) {
  return WithId(std::string(kInputChain),
                Commented(comment, {"-d", range, "-j", "RETURN"}));
}

FixedRule ExemptNodePorts(const std::string& protocol,
                          const std::string& node_ports) {
  const Words rule =
      Commented(absl::StrCat("allow LOCAL ", absl::AsciiStrToUpper(protocol),
                             " traffic to node ports"),
                {"-m", "addrtype", "--dst-type", "LOCAL", "-m", "multiport",
                 "--dports", node_ports, "-j", "RETURN"});
  return WithId(std::string(kInputChain), With({"-p", protocol}, rule));
}

struct IcmpType {
  absl::string_view name;
  absl::string_view number;
};

const std::vector<IcmpType>& IcmpTypes(Family family) {
  static const auto* const kIPv4 =
      new std::vector<IcmpType>{{"echo requests", "8"},
                                {"destination unreachable messages", "3"},
                                {"time exceeded messages", "11"}};
  static const auto* const kIPv6 =
      new std::vector<IcmpType>{{"echo requests", "128"},
                                {"destination unreachable messages", "1"},
                                {"time exceeded messages", "3"},
                                {"neighbor solicitation messages", "135"},
                                {"neighbor advertisement messages", "136"},
                                {"echo reply messages", "129"}};
  return family == Family::kIPv4 ? *kIPv4 : *kIPv6;
}

FixedRule RejectOf(absl::string_view option, const std::string& cidr,
                   absl::string_view comment, const Words& more) {
  return {std::string(kTailChain),
          With(With({std::string(option), cidr}, Commented(comment, more)),
               {"-j", "REJECT"})};
}

}  // namespace

std::vector<FixedRule> HookJumps() {
  std::vector<FixedRule> jumps;
  for (const std::string hook : {"INPUT", "FORWARD", "OUTPUT"}) {
    jumps.push_back(
        WithId(hook, Commented("kube-router netpol",
                               {"-j", absl::StrCat("KUBE-ROUTER-", hook)})));
  }
  return jumps;
}

std::vector<FixedRule> Exemptions(const FixedRuleOptions& options) {
  std::vector<FixedRule> rules;
  for (const std::string& range : options.cluster_ip_ranges) {
    rules.push_back(ExemptRange(
        range, "allow traffic to primary/secondary cluster IP range"));
  }
  for (const std::string protocol : {"tcp", "udp", "sctp"})
    rules.push_back(ExemptNodePorts(protocol, options.node_ports));
  for (const std::string& range : options.external_ip_ranges) {
    rules.push_back(ExemptRange(
        range, absl::StrCat("allow traffic to external IP range: ", range)));
  }
  for (const std::string& range : options.load_balancer_ip_ranges) {
    rules.push_back(ExemptRange(
        range,
        absl::StrCat("allow traffic to load balancer IP range: ", range)));
  }
  return rules;
}

std::vector<FixedRule> CommonRules(Family family) {
  const std::string chain = "KUBE-NWPLCY-COMMON";
  // The quotation marks are part of these two comments.
  std::vector<FixedRule> rules = {
      {chain,
       Commented("\"rule to drop invalid state for pod\"",
                 {"-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP"})},
      {chain, Commented("\"rule for stateful firewall for pod\"",
                        {"-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED",
                         "-j", "ACCEPT"})}};
  const bool is_ipv4 = family == Family::kIPv4;
  for (const IcmpType& type : IcmpTypes(family)) {
    rules.push_back(
        {chain, Commented(absl::StrCat("allow icmp ", type.name),
                          {"-p", is_ipv4 ? "icmp" : "ipv6-icmp",
                           is_ipv4 ? "--icmp-type" : "--icmpv6-type",
                           std::string(type.number), "-j", "ACCEPT"})});
  }
  return rules;
}

FixedRule DefaultRule() {
  return {"KUBE-NWPLCY-DEFAULT",
          Commented("rule to mark traffic matching a network policy",
                    {"-j", "MARK", "--set-xmark", "0x10000/0x10000"})};
}

std::vector<FixedRule> TailRules(const FixedRuleOptions& options) {
  const std::string programmed =
      absl::StrCat(options.family == Family::kIPv6 ? "inet6:" : "",
                   "kube-router-local-pods");
  const auto unknown = [&](const std::string& side) {
    return Words{"-m", "set", "!", "--match-set", programmed, side};
  };
  std::vector<FixedRule> rules;
  for (const std::string& cidr : options.pod_cidrs) {
    constexpr absl::string_view kComment =
        "reject unprogrammed local pod (default-deny)";
    rules.push_back(RejectOf("-s", cidr, kComment, unknown("src")));
    rules.push_back(RejectOf("-d", cidr, kComment, unknown("dst")));
  }
  rules.push_back(
      {std::string(kTailChain),
       Commented("accept netpol-ok",
                 {"-m", "mark", "--mark", "0x20000/0x20000", "-j", "ACCEPT"})});
  for (const std::string& cidr : options.pod_cidrs) {
    for (absl::string_view side : {"-s", "-d"}) {
      rules.push_back(
          RejectOf(side, cidr, "reject pre-netpol (default-deny)", {}));
    }
  }
  return rules;
}

std::string IdOf(const FixedRule& rule) {
  const std::string& comment = *CommentOf(rule.words);
  return comment.substr(comment.size() - kIdLength);
}

}  // namespace netpol
