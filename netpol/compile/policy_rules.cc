#include "netpol/compile/policy_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "netpol/policy/cidr_union.h"

namespace netpol {
namespace {

// Peers and ports that one rule can match; every peer is combined with every
// port.
struct PeerMatch {
  absl::string_view tag;
  absl::optional<PodSetExpression> pods;
  std::vector<IpPrefix> blocks;
  // Neither: anybody.
};
struct PortMatch {
  absl::optional<uint8_t> protocol;  // none: any
  absl::optional<PortsMatch> ports;
  std::string name;  // of a named port
};

int SlotsOf(const PortRange& range) {
  return range.first == range.last ? 1 : 2;
}

// Sorted, and neither overlapping nor touching.
std::vector<PortRange> Merged(std::vector<PortRange> ranges) {
  std::sort(
      ranges.begin(), ranges.end(),
      [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
  std::vector<PortRange> merged;
  for (const PortRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

// As few groups as the slots of one rule allow.
std::vector<PortsMatch> InSlots(const std::vector<PortRange>& ranges) {
  std::vector<PortsMatch> groups;
  int free_slots = 0;
  for (const PortRange& range : ranges) {
    if (SlotsOf(range) > free_slots) {
      groups.emplace_back();
      free_slots = PortsMatch::kMaxSlots;
    }
    groups.back().ranges.push_back(range);
    free_slots -= SlotsOf(range);
  }
  return groups;
}

class PolicyCompiler {
 public:
  PolicyCompiler(Direction direction, Family family, SetRegistry& registry)
      : direction_(direction), family_(family), registry_(registry) {}

  CompiledPolicy Compile(absl::Span<const SourcedRule> rules) && {
    for (const SourcedRule& sourced : rules) {
      const std::vector<PeerMatch> peers = PeersOf(sourced.rule);
      for (const PortMatch& port : PortsOf(sourced.rule)) {
        for (const PeerMatch& peer : peers)
          AppendRule(sourced.source, peer, port);
      }
    }
    return std::move(compiled_);
  }

 private:
  std::vector<PeerMatch> PeersOf(const PolicyRule& rule) const {
    if (rule.any_peer) return {{"any", absl::nullopt, {}}};
    std::vector<PeerMatch> peers;
    if (!rule.pods.empty()) {
      peers.push_back({"pods", PodSetExpression(rule.pods), {}});
    }
    std::vector<IpPrefix> prefixes = UnionOfBlocks(rule.blocks, family_);
    if (!prefixes.empty()) {
      peers.push_back({"cidr", absl::nullopt, std::move(prefixes)});
    }
    return peers;
  }

  static std::vector<PortMatch> PortsOf(const PolicyRule& rule) {
    if (rule.any_port) return {PortMatch{}};
    std::set<uint8_t> whole;  // protocols of which every port is allowed
    std::map<uint8_t, std::vector<PortRange>> ranges;
    std::set<std::pair<uint8_t, std::string>> named;
    for (const PolicyPort& port : rule.ports) {
      if (port.every_port()) {
        whole.insert(port.protocol);
      } else if (port.name.empty()) {
        ranges[port.protocol].push_back({port.first, port.last});
      } else {
        named.emplace(port.protocol, port.name);
      }
    }
    std::vector<PortMatch> matches;
    matches.reserve(whole.size() + ranges.size() + named.size());
    for (uint8_t protocol : whole)
      matches.push_back({protocol, absl::nullopt, ""});
    for (auto& [protocol, of_protocol] : ranges) {
      if (whole.count(protocol) > 0) continue;
      for (PortsMatch& group : InSlots(Merged(std::move(of_protocol)))) {
        matches.push_back({protocol, std::move(group), ""});
      }
    }
    for (const auto& [protocol, name] : named) {
      if (whole.count(protocol) == 0) {
        matches.push_back({protocol, absl::nullopt, name});
      }
    }
    return matches;
  }

  SetMatch Using(SetName set, Side side, int dimensions) {
    compiled_.sets.push_back(set);
    return SetMatch{std::move(set), side, dimensions};
  }

  void AppendPeer(const PeerMatch& peer, Rule& rule) {
    const Side side =
        direction_ == Direction::kIngress ? Side::kSource : Side::kDestination;
    if (peer.pods) {
      rule.matches.push_back(
          Using(registry_.AcquirePods(*peer.pods, family_), side, 1));
    } else if (!peer.blocks.empty()) {
      rule.matches.push_back(
          Using(registry_.AcquireBlocks(peer.blocks, family_), side, 1));
    }
  }

  // The name is looked up on the packet's destination: for ingress that is a
  // pod of this node, for egress any pod; an address that is no pod's has no
  // names.
  void AppendNamedPort(const PeerMatch& peer, const PortMatch& port,
                       Rule& rule) {
    NamedPortKey key{port.name, *port.protocol, false, absl::nullopt};
    if (direction_ == Direction::kIngress) {
      key.local_only = true;
      AppendPeer(peer, rule);
    } else if (peer.pods) {
      key.among = peer.pods;
    } else {
      AppendPeer(peer, rule);
    }
    rule.matches.push_back(
        Using(registry_.AcquireNamedPort(key, family_), Side::kDestination, 2));
  }

  void AppendRule(const std::string& source, const PeerMatch& peer,
                  const PortMatch& port) {
    Rule rule;
    rule.protocol = port.protocol;
    // Cheapest first; a set look-up costs ten times a comparison.
    if (port.ports) rule.matches.push_back(*port.ports);
    if (port.name.empty()) {
      AppendPeer(peer, rule);
    } else {
      AppendNamedPort(peer, port, rule);
    }
    rule.comment = MakeComment(
        source, absl::StrCat(DirectionName(direction_), " ", peer.tag,
                             port.name.empty() ? "" : " np"));
    rule.action = GotoAction{AllowChain()};
    compiled_.rules.push_back(std::move(rule));
  }

  Direction direction_;
  Family family_;
  SetRegistry& registry_;
  CompiledPolicy compiled_;
};

}  // namespace

CompiledPolicy CompileRules(absl::Span<const SourcedRule> rules,
                            Direction direction, Family family,
                            SetRegistry& registry) {
  return PolicyCompiler(direction, family, registry).Compile(rules);
}

}  // namespace netpol
