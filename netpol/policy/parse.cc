#include "netpol/policy/parse.h"

#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr absl::string_view kNameLabel = "kubernetes.io/metadata.name";

absl::StatusOr<ObjectKey> ParseKey(const k8s::ObjectMeta& meta,
                                   absl::string_view kind) {
  if (meta.name().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kind, " without metadata.name"));
  }
  if (meta.namespace_().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kind, " ", meta.name(), " without metadata.namespace"));
  }
  return ObjectKey{meta.namespace_(), meta.name()};
}

Labels ParseLabels(
    const google::protobuf::Map<std::string, std::string>& wire) {
  return Labels(std::vector<Labels::Entry>(wire.begin(), wire.end()));
}

// 0 for what is not a protocol of the API.
uint8_t ParseProtocol(const std::string& text) {
  if (text == "TCP") return IPPROTO_TCP;
  if (text == "UDP") return IPPROTO_UDP;
  if (text == "SCTP") return IPPROTO_SCTP;
  return 0;
}

// IANA_SVC_NAME (RFC 6335), which both the API's port names are: what else
// stands there can be no container's.
bool IsPortName(absl::string_view name) {
  if (name.empty() || name.size() > 15) return false;
  bool letter = false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    letter = letter || absl::ascii_islower(c);
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-')
      return false;
    if (c == '-' && (i == 0 || i + 1 == name.size() || name[i + 1] == '-'))
      return false;
  }
  return letter;
}

void AppendPorts(const k8s::Container& container,
                 std::vector<NamedPort>& ports) {
  for (const k8s::ContainerPort& wire : container.ports()) {
    const uint8_t protocol =
        ParseProtocol(wire.protocol().empty() ? "TCP" : wire.protocol());
    if (wire.name().empty() || protocol == 0 || wire.container_port() < 1 ||
        wire.container_port() > 65535) {
      continue;
    }
    ports.push_back(
        {wire.name(), protocol, static_cast<uint16_t>(wire.container_port())});
  }
}

Pod::Unseen UnseenBecause(const k8s::Pod& wire) {
  const std::string& phase = wire.status().phase();
  if (phase == "Succeeded" || phase == "Failed") return Pod::Unseen::kFinished;
  return wire.spec().host_network() ? Pod::Unseen::kHostNetwork
                                    : Pod::Unseen::kNo;
}

std::vector<IpAddress> ParseAddresses(const k8s::PodStatus& status) {
  std::vector<IpAddress> addresses;
  const auto add = [&](const std::string& text) {
    absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
    if (address.ok() && std::find(addresses.begin(), addresses.end(),
                                  *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  };
  for (const k8s::PodIP& pod_ip : status.pod_ips()) add(pod_ip.ip());
  // The first of them again, but from an old server or a careless file.
  if (addresses.empty()) add(status.pod_ip());
  return addresses;
}

// Collects what is wrong with one policy; knows where it is looking.
class PolicyParser {
 public:
  explicit PolicyParser(const k8s::NetworkPolicySpec& spec,
                        NetworkPolicy& policy)
      : spec_(spec), policy_(policy) {}

  void Parse() {
    ParseTypes();
    bool sound = true;
    policy_.subject =
        ParseSelector(spec_.pod_selector(), "spec.podSelector", sound);
    if (!sound) {
      // Isolating too many pods is the closed side; allowing for too many is
      // not.
      Problem("spec.podSelector",
              "so the policy isolates every pod that the rest of the selector "
              "chooses, and allows nothing");
      return;
    }
    for (int i = 0; i < spec_.ingress_size(); ++i) {
      policy_.ingress.push_back(
          ParseRule(spec_.ingress(i).from(), spec_.ingress(i).ports(),
                    absl::StrCat("spec.ingress[", i, "]"), "from"));
    }
    for (int i = 0; i < spec_.egress_size(); ++i) {
      policy_.egress.push_back(
          ParseRule(spec_.egress(i).to(), spec_.egress(i).ports(),
                    absl::StrCat("spec.egress[", i, "]"), "to"));
    }
  }

 private:
  void Problem(const std::string& path, absl::string_view text) {
    policy_.problems.push_back(absl::StrCat(path, ": ", text));
  }

  void ParseTypes() {
    for (const std::string& type : spec_.policy_types()) {
      if (type == "Ingress") {
        policy_.isolates_ingress = true;
      } else if (type == "Egress") {
        policy_.isolates_egress = true;
      } else {
        Problem("spec.policyTypes",
                absl::StrCat("unknown type \"", type,
                             "\"; Ingress and Egress are known"));
      }
    }
    if (spec_.policy_types().empty()) {
      policy_.isolates_ingress = true;
      policy_.isolates_egress = spec_.egress_size() > 0;
    } else if (!policy_.isolates_ingress && !policy_.isolates_egress) {
      // Nothing but unknown types: closed rather than without effect.
      policy_.isolates_ingress = policy_.isolates_egress = true;
    }
  }

  // Leaves out what cannot be read and clears `sound` for it.
  Selector ParseSelector(const k8s::LabelSelector& wire,
                         const std::string& path, bool& sound) {
    std::vector<Requirement> requirements;
    for (const auto& [key, value] : wire.match_labels()) {
      requirements.push_back({key, Requirement::Operator::kIn, {value}});
    }
    for (int i = 0; i < wire.match_expressions_size(); ++i) {
      const k8s::LabelSelectorRequirement& expression =
          wire.match_expressions(i);
      const std::string where =
          absl::StrCat(path, ".matchExpressions[", i, "]");
      Requirement requirement{
          expression.key(),
          {},
          {expression.values().begin(), expression.values().end()}};
      if (ParseOperator(expression.operator_(), where, requirement)) {
        requirements.push_back(std::move(requirement));
      } else {
        sound = false;
      }
    }
    return Selector(std::move(requirements));
  }

  bool ParseOperator(const std::string& text, const std::string& where,
                     Requirement& requirement) {
    using Operator = Requirement::Operator;
    const bool has_values = !requirement.values.empty();
    if (text == "In" || text == "NotIn") {
      requirement.op = text == "In" ? Operator::kIn : Operator::kNotIn;
      if (!has_values)
        Problem(where, absl::StrCat("operator ", text, " without values"));
      return has_values;
    }
    if (text == "Exists" || text == "DoesNotExist") {
      requirement.op =
          text == "Exists" ? Operator::kExists : Operator::kDoesNotExist;
      if (has_values)
        Problem(where, absl::StrCat("operator ", text, " with values"));
      return !has_values;
    }
    Problem(where,
            absl::StrCat("unknown operator \"", text,
                         "\"; In, NotIn, Exists and DoesNotExist are known"));
    return false;
  }

  template <typename Peers, typename Ports>
  PolicyRule ParseRule(const Peers& peers, const Ports& ports,
                       const std::string& path, absl::string_view peers_field) {
    PolicyRule rule;
    rule.any_peer = peers.empty();
    for (int i = 0; i < peers.size(); ++i) {
      ParsePeer(peers[i], absl::StrCat(path, ".", peers_field, "[", i, "]"),
                rule);
    }
    rule.any_port = ports.empty();
    for (int i = 0; i < ports.size(); ++i) {
      ParsePort(ports[i], absl::StrCat(path, ".ports[", i, "]"), rule);
    }
    return rule;
  }

  void ParsePeer(const k8s::NetworkPolicyPeer& peer, const std::string& path,
                 PolicyRule& rule) {
    const bool selects =
        peer.has_pod_selector() || peer.has_namespace_selector();
    if (selects == peer.has_ip_block()) {
      Problem(
          path,
          selects
              ? "ipBlock together with a selector, so this peer matches nothing"
              : "neither a selector nor an ipBlock that can be read, so this "
                "peer matches nothing");
      return;
    }
    if (peer.has_ip_block())
      return ParseBlock(peer.ip_block(), path + ".ipBlock", rule);
    bool sound = true;
    PodTerm term;
    if (peer.has_namespace_selector()) {
      term.namespaces = ParseSelector(peer.namespace_selector(),
                                      path + ".namespaceSelector", sound);
    } else {
      term.namespace_name = policy_.key.namespace_name;
    }
    term.pods =
        ParseSelector(peer.pod_selector(), path + ".podSelector", sound);
    if (sound) rule.pods.push_back(std::move(term));
  }

  void ParseBlock(const k8s::IPBlock& wire, const std::string& path,
                  PolicyRule& rule) {
    absl::StatusOr<IpPrefix> cidr = IpPrefix::Parse(wire.cidr());
    if (!cidr.ok()) return Problem(path + ".cidr", cidr.status().message());
    IpBlock block{*cidr, {}};
    for (int i = 0; i < wire.except_size(); ++i) {
      absl::StatusOr<IpPrefix> except = IpPrefix::Parse(wire.except(i));
      if (!except.ok()) {
        return Problem(absl::StrCat(path, ".except[", i, "]"),
                       absl::StrCat(except.status().message(),
                                    ", so this peer matches nothing"));
      }
      block.except.push_back(*except);
    }
    rule.blocks.push_back(std::move(block));
  }

  void ParsePort(const k8s::NetworkPolicyPort& wire, const std::string& path,
                 PolicyRule& rule) {
    PolicyPort port;
    port.protocol =
        ParseProtocol(wire.has_protocol() ? wire.protocol() : "TCP");
    if (port.protocol == 0) {
      return Problem(path + ".protocol",
                     absl::StrCat("unknown protocol \"", wire.protocol(),
                                  "\"; TCP, UDP and SCTP are known"));
    }
    if (!wire.has_port()) {
      if (wire.has_end_port())
        return Problem(path + ".endPort", "endPort without port");
    } else if (wire.port().type() != 0) {
      port.name = wire.port().str_val();
      if (!IsPortName(port.name)) {
        return Problem(path + ".port",
                       absl::StrCat("\"", port.name,
                                    "\" is not a port name, and a number "
                                    "stands without quotes"));
      }
      if (wire.has_end_port()) {
        return Problem(path + ".endPort", "endPort with a named port");
      }
    } else if (!ParseRange(wire, path, port)) {
      return;
    }
    rule.ports.push_back(std::move(port));
  }

  bool ParseRange(const k8s::NetworkPolicyPort& wire, const std::string& path,
                  PolicyPort& port) {
    const int first = wire.port().int_val();
    const int last = wire.has_end_port() ? wire.end_port() : first;
    if (first < 1 || last > 65535 || last < first) {
      Problem(path, absl::StrCat("ports ", first, " to ", last,
                                 " are not a range within 1 to 65535"));
      return false;
    }
    port.first = static_cast<uint16_t>(first);
    port.last = static_cast<uint16_t>(last);
    return true;
  }

  const k8s::NetworkPolicySpec& spec_;
  NetworkPolicy& policy_;
};

}  // namespace

absl::StatusOr<Namespace> ParseNamespace(const k8s::Namespace& wire) {
  const std::string& name = wire.metadata().name();
  if (name.empty())
    return absl::InvalidArgumentError("Namespace without metadata.name");
  std::vector<Labels::Entry> labels(wire.metadata().labels().begin(),
                                    wire.metadata().labels().end());
  // The API server sets it on every namespace; a file may lack it.
  if (!wire.metadata().labels().contains(std::string(kNameLabel))) {
    labels.emplace_back(kNameLabel, name);
  }
  return Namespace{name, Labels(std::move(labels))};
}

absl::StatusOr<Pod> ParsePod(const k8s::Pod& wire) {
  Pod pod;
  ASSIGN_OR_RETURN(pod.key, ParseKey(wire.metadata(), "Pod"));
  pod.labels = ParseLabels(wire.metadata().labels());
  pod.node_name = SharedValue<std::string>(wire.spec().node_name());
  pod.created_seconds = wire.metadata().creation_timestamp().seconds();
  pod.unseen = UnseenBecause(wire);
  if (pod.unseen == Pod::Unseen::kHostNetwork) {
    std::vector<IpAddress> addresses = ParseAddresses(wire.status());
    const absl::StatusOr<IpAddress> host =
        IpAddress::Parse(wire.status().host_ip());
    if (addresses.empty() && host.ok()) addresses.push_back(*host);
    pod.host_addresses =
        SharedValue<std::vector<IpAddress>>(std::move(addresses));
  }
  if (pod.unseen != Pod::Unseen::kNo) return pod;
  const std::vector<IpAddress> addresses = ParseAddresses(wire.status());
  pod.addresses.assign(addresses.begin(), addresses.end());
  std::vector<NamedPort> ports;
  for (const k8s::Container& container : wire.spec().containers()) {
    AppendPorts(container, ports);
  }
  for (const k8s::Container& container : wire.spec().init_containers()) {
    if (container.restart_policy() == "Always") AppendPorts(container, ports);
  }
  pod.ports = SharedValue<std::vector<NamedPort>>(std::move(ports));
  return pod;
}

absl::StatusOr<NetworkPolicy> ParseNetworkPolicy(
    const k8s::NetworkPolicy& wire) {
  NetworkPolicy policy;
  ASSIGN_OR_RETURN(policy.key, ParseKey(wire.metadata(), "NetworkPolicy"));
  PolicyParser(wire.spec(), policy).Parse();
  return policy;
}

}  // namespace netpol
