#include "netpol/explain/rule_finding.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/rules/protocol.h"

namespace netpol {
namespace {

// ---- words

std::string SelectorText(const Selector& selector) {
  return selector.requirements().empty() ? "{}" : selector.ToString();
}

std::string TermText(const PodTerm& term) {
  if (!term.namespace_name.empty())
    return absl::StrCat("podSelector ", SelectorText(term.pods));
  std::string text =
      absl::StrCat("namespaceSelector ", SelectorText(term.namespaces));
  if (!term.pods.requirements().empty())
    absl::StrAppend(&text, " podSelector ", term.pods.ToString());
  return text;
}

std::string BlockText(const IpBlock& block) {
  std::string text = absl::StrCat("ipBlock ", block.cidr.ToString());
  if (!block.except.empty()) {
    absl::StrAppend(&text, " except ",
                    absl::StrJoin(block.except, ", ",
                                  [](std::string* out, const IpPrefix& prefix) {
                                    out->append(prefix.ToString());
                                  }));
  }
  return text;
}

std::string PortText(const PolicyPort& port) {
  const std::string protocol =
      absl::AsciiStrToUpper(ProtocolText(port.protocol));
  if (port.every_port()) return absl::StrCat("every ", protocol, " port");
  if (!port.name.empty())
    return absl::StrCat(protocol, " port \"", port.name, "\"");
  if (port.first == port.last) return absl::StrCat(protocol, " ", port.first);
  return absl::StrCat(protocol, " ", port.first, "-", port.last);
}

std::string PeersText(const PolicyRule& rule) {
  if (rule.any_peer) return "anybody";
  std::vector<std::string> texts;
  for (const PodTerm& term : rule.pods) texts.push_back(TermText(term));
  for (const IpBlock& block : rule.blocks) texts.push_back(BlockText(block));
  if (texts.empty()) return "nobody, since no peer could be understood";
  return absl::StrJoin(texts, " or ");
}

std::string PortsText(const PolicyRule& rule) {
  if (rule.any_port) return "every port";
  std::vector<std::string> texts;
  for (const PolicyPort& port : rule.ports) texts.push_back(PortText(port));
  if (texts.empty()) return "none, since no port could be understood";
  return absl::StrJoin(texts, ", ");
}

// ---- matching

bool Holds(const IpBlock& block, const IpAddress& address) {
  return block.cidr.Contains(address) &&
         std::none_of(
             block.except.begin(), block.except.end(),
             [&](const IpPrefix& except) { return except.Contains(address); });
}

// The peer of `rule` that is `owner`, a pod that has `address`, or nobody
// (nullptr), in words; empty if none is.
std::string MatchingPeer(const ClusterState& state, const PolicyRule& rule,
                         const IpAddress& address, const Pod* owner) {
  if (rule.any_peer) return "anybody";
  if (owner != nullptr) {
    for (const PodTerm& term : rule.pods) {
      if (state.Chooses(term, *owner)) return TermText(term);
    }
  }
  for (const IpBlock& block : rule.blocks) {
    if (Holds(block, address)) return BlockText(block);
  }
  return "";
}

// The ports of `protocol` that `port` means on `destination`, if that is a pod.
PortSet PortsOf(const PolicyPort& port, uint8_t protocol,
                const Pod* destination) {
  if (port.protocol != protocol) return PortSet();
  if (port.every_port()) return PortSet::All();
  if (port.name.empty()) return PortSet({{port.first, port.last}});
  std::vector<PortRange> named;
  if (destination != nullptr) {
    for (const NamedPort& declared : *destination->ports) {
      if (declared.name == port.name && declared.protocol == protocol)
        named.push_back({declared.number, declared.number});
    }
  }
  return PortSet(named);
}

PortSet OpenedPorts(const PolicyRule& rule, uint8_t protocol,
                    const Pod* destination) {
  if (rule.any_port) return PortSet::All();
  PortSet opened;
  for (const PolicyPort& port : rule.ports)
    opened = opened | PortsOf(port, protocol, destination);
  return opened;
}

// The entry that holds the asked port, in words; empty if there is none.
std::string MatchingPort(const PolicyRule& rule, const PathQuestion& question,
                         const Pod* destination) {
  if (rule.any_port || !question.port) return "";
  for (const PolicyPort& port : rule.ports) {
    if (PortsOf(port, question.protocol, destination).Contains(*question.port))
      return PortText(port);
  }
  return "";
}

}  // namespace

RuleFinding FindInRule(const ClusterState& state, const PolicyRule& rule,
                       int index, Direction direction, const Pod& subject,
                       const PathQuestion& question) {
  const bool ingress = direction == Direction::kIngress;
  const IpAddress& other = ingress ? question.source : question.destination;
  const absl::Span<const Pod* const> owners = state.OwnersOf(other);
  std::vector<const Pod*> peers(owners.begin(), owners.end());
  if (peers.empty()) peers.push_back(nullptr);

  RuleFinding finding{index, false, PeersText(rule), PortsText(rule), {}};
  for (const Pod* peer : peers) {
    const Pod* destination = ingress ? &subject : peer;
    const std::string matching = MatchingPeer(state, rule, other, peer);
    if (matching.empty() && finding.peer_matches) continue;
    if (!matching.empty() && !finding.peer_matches) {
      // What the others would have opened does not count any more.
      finding = {index, true, matching, PortsText(rule), {}};
    }
    finding.ports =
        finding.ports | OpenedPorts(rule, question.protocol, destination);
    const std::string port = MatchingPort(rule, question, destination);
    if (port.empty()) continue;
    // Of several pods with one address, the one that is let through is told of.
    if (!matching.empty()) finding.peer = matching;
    finding.port = port;
  }
  return finding;
}

}  // namespace netpol
