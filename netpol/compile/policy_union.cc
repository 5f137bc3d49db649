#include "netpol/compile/policy_union.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

const std::vector<PolicyRule>& Rules(const NetworkPolicy& policy,
                                     Direction direction) {
  return direction == Direction::kIngress ? policy.ingress : policy.egress;
}

// What a rule says of ports, whatever their order; empty if it says nothing and
// any port will do.
using Ports = std::set<std::tuple<uint8_t, uint16_t, uint16_t, std::string>>;

Ports PortsOf(const PolicyRule& rule) {
  Ports ports;
  for (const PolicyPort& port : rule.ports)
    ports.emplace(port.protocol, port.first, port.last, port.name);
  return ports;
}

template <typename T>
void Append(const std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

std::vector<SourcedRule> RulesOf(const NetworkPolicy& policy,
                                 Direction direction) {
  std::vector<SourcedRule> rules;
  for (const PolicyRule& rule : Rules(policy, direction))
    rules.push_back({policy.key.ToString(), rule});
  return rules;
}

std::vector<SourcedRule> UnionOfRules(
    absl::Span<const NetworkPolicy* const> policies, Direction direction) {
  // A rule without any readable port is not one for every port.
  std::map<std::pair<bool, Ports>, SourcedRule> united;
  std::map<const SourcedRule*, const NetworkPolicy*> last_source;
  for (const NetworkPolicy* policy : policies) {
    for (const PolicyRule& rule : Rules(*policy, direction)) {
      auto [it, inserted] =
          united.try_emplace({rule.any_port, PortsOf(rule)}, SourcedRule());
      SourcedRule& whole = it->second;
      if (inserted) {
        whole.source = policy->key.ToString();
        whole.rule.any_port = rule.any_port;
        whole.rule.ports = rule.ports;
      } else if (last_source[&whole] != policy) {
        absl::StrAppend(&whole.source, ",", policy->key.name);
      }
      last_source[&whole] = policy;
      whole.rule.any_peer = whole.rule.any_peer || rule.any_peer;
      Append(rule.pods, whole.rule.pods);
      Append(rule.blocks, whole.rule.blocks);
    }
  }
  std::vector<SourcedRule> rules;
  rules.reserve(united.size());
  for (auto& [ports, rule] : united) rules.push_back(std::move(rule));
  return rules;
}

}  // namespace netpol
