// The permanent rules of kube-router's layout: those that do not depend on
// policies, as arguments of iptables.
#ifndef NETPOL_BENCH_YARDSTICK_FIXED_RULES_H_
#define NETPOL_BENCH_YARDSTICK_FIXED_RULES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

struct FixedRule {
  std::string chain;
  std::vector<std::string> words;
};

inline constexpr absl::string_view kTailChain = "KUBE-NWPLCY-TAIL";

// What of a node is in its permanent rules; all ranges are of one family.
struct FixedRuleOptions {
  Family family = Family::kIPv4;
  std::vector<std::string> cluster_ip_ranges;
  std::string node_ports = "30000:32767";
  std::vector<std::string> external_ip_ranges;
  std::vector<std::string> load_balancer_ip_ranges;
  // For a default deny, which there is none of without them.
  std::vector<std::string> pod_cidrs;
};

// The jump from each built-in chain, to stand first in it.
std::vector<FixedRule> HookJumps();

// What is to stand first in KUBE-ROUTER-INPUT, in this order. These rules, and
// the jumps, have an id at the end of their comments, by which they are found.
std::vector<FixedRule> Exemptions(const FixedRuleOptions& options);

// Of KUBE-NWPLCY-COMMON and of KUBE-NWPLCY-DEFAULT.
std::vector<FixedRule> CommonRules(Family family);
FixedRule DefaultRule();

// Of kTailChain.
std::vector<FixedRule> TailRules(const FixedRuleOptions& options);

// The id of a rule that has one.
std::string IdOf(const FixedRule& rule);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_FIXED_RULES_H_
