#include "netpol/testing/random_policy.h"

#include <algorithm>
#include <string>
#include <vector>

#include "netpol/testing/builders.h"
#include "netpol/testing/random_block.h"
#include "netpol/testing/random_objects.h"

namespace netpol {
namespace {

using Words = std::vector<std::string>;

const std::string& RandomValue(Random& random) {
  const bool common = random.Chance(75);
  return RandomLabelValues()[random.Below(common ? 2
                                                 : RandomLabelValues().size())];
}

k8s::LabelSelectorRequirement RandomRequirement(Random& random,
                                                const Words& keys) {
  static const auto* const kOperators =
      new Words{"In", "NotIn", "Exists", "DoesNotExist"};
  k8s::LabelSelectorRequirement requirement;
  requirement.set_key(random.Pick(keys));
  requirement.set_operator_(random.Pick(*kOperators));
  if (requirement.operator_() == "In" || requirement.operator_() == "NotIn") {
    const int values = random.Between(1, 3);
    for (int i = 0; i < values; ++i)
      requirement.add_values(RandomValue(random));
  }
  return requirement;
}

void Spoil(Random& random, k8s::LabelSelector& selector) {
  k8s::LabelSelectorRequirement* wrong = selector.add_match_expressions();
  wrong->set_key("app");
  switch (random.Between(0, 2)) {
    case 0:
      wrong->set_operator_("Matches");
      wrong->add_values("web");
      break;
    case 1:
      wrong->set_operator_(random.Chance(50) ? "In" : "NotIn");
      break;
    default:
      wrong->set_operator_("Exists");
      wrong->add_values("web");
  }
}

k8s::LabelSelector RandomSelector(Random& random, bool invalid_parts,
                                  const Words& keys) {
  k8s::LabelSelector selector;
  if (random.Chance(20)) return selector;
  const int shape = random.Between(0, 3);  // 2 is both.
  if (shape != 1) {
    const int labels = random.Chance(80) ? 1 : 2;
    for (int i = 0; i < labels; ++i) {
      const std::string key = random.Pick(keys);
      (*selector.mutable_match_labels())[key] = RandomValue(random);
    }
  }
  if (shape == 1 || shape == 2) {
    const int requirements = random.Chance(70) ? 1 : 2;
    for (int i = 0; i < requirements; ++i) {
      *selector.add_match_expressions() = RandomRequirement(random, keys);
    }
  }
  if (invalid_parts && random.Chance(4)) Spoil(random, selector);
  return selector;
}

k8s::NetworkPolicyPeer RandomPeer(Random& random,
                                  const RandomClusterOptions& options) {
  const auto pods = [&] {
    return RandomSelector(random, options.invalid_parts, RandomPodLabelKeys());
  };
  const auto namespaces = [&] {
    return RandomSelector(random, options.invalid_parts,
                          RandomNamespaceLabelKeys());
  };
  k8s::NetworkPolicyPeer peer;
  const int draw = random.Between(0, options.invalid_parts ? 99 : 94);
  if (draw >= 95) {
    // Empty, or a block together with a selector.
    if (draw >= 97) *peer.mutable_ip_block() = RandomBlock(random, options);
    if (draw >= 97) *peer.mutable_pod_selector() = pods();
    return peer;
  }
  if (draw < 60) *peer.mutable_pod_selector() = pods();
  if (draw >= 30 && draw < 65)
    *peer.mutable_namespace_selector() = namespaces();
  if (draw >= 65) *peer.mutable_ip_block() = RandomBlock(random, options);
  return peer;
}

std::string RandomProtocol(Random& random) {
  static const auto* const kProtocols =
      new Words{"", "", "TCP", "TCP", "UDP", "UDP", "SCTP"};
  return random.Pick(*kProtocols);
}

// Something that an API server would have refused.
k8s::NetworkPolicyPort RandomWrongPort(Random& random) {
  const std::string protocol = RandomProtocol(random);
  k8s::NetworkPolicyPort port;
  switch (random.Between(0, 7)) {
    case 0:
      return RangePort(protocol, 443, 80);
    case 1:
      port = NamePort(protocol, "http");
      port.set_end_port(9000);
      return port;
    case 2:
      port = ProtocolPort(protocol);
      port.set_end_port(9000);
      return port;
    case 3:
      return NumberPort("ICMP", 80);
    case 4:
      return NumberPort(protocol, random.Chance(50) ? 0 : 65536);
    case 5:
      return NumberPort(protocol, -1);
    case 6:
      return RangePort(protocol, 8080, 70000);
    default:
      return NamePort(protocol, "80");
  }
}

k8s::NetworkPolicyPort RandomPort(Random& random, bool invalid_parts) {
  static const auto* const kLengths = new std::vector<int>{0, 1, 2, 400, 65535};
  if (invalid_parts && random.Chance(5)) return RandomWrongPort(random);
  const std::string protocol = RandomProtocol(random);
  const int draw = random.Between(0, 9);
  if (draw == 0) return ProtocolPort(protocol);
  if (draw <= 3) {
    // Now and then a name that no pod gives.
    const bool unknown = random.Chance(15);
    return NamePort(protocol,
                    unknown ? "nobody" : random.Pick(RandomPortNames()));
  }
  const int number = random.Pick(RandomPortNumbers());
  if (draw <= 6) return NumberPort(protocol, number);
  const int end = std::min(65535, number + random.Pick(*kLengths));
  return RangePort(protocol, number, end);
}

PolicyBuilder::Ports RandomPorts(Random& random, bool invalid_parts) {
  PolicyBuilder::Ports ports;
  if (random.Chance(40)) return ports;
  if (random.Chance(8)) {  // More than a multiport match holds.
    const std::string protocol = RandomProtocol(random);
    const int first = random.Between(70, 80);
    const int count = random.Between(16, 40);
    for (int i = 0; i < count; ++i) {
      ports.push_back(NumberPort(protocol, first + 2 * i));
    }
  }
  const int count = random.Between(1, 3);
  for (int i = 0; i < count; ++i) {
    ports.push_back(RandomPort(random, invalid_parts));
  }
  if (random.Chance(5)) ports.push_back(ports.front());
  return ports;
}

PolicyBuilder::Peers RandomPeers(Random& random,
                                 const RandomClusterOptions& options) {
  PolicyBuilder::Peers peers;
  if (random.Chance(20)) return peers;
  const int count = random.Between(1, 3);
  for (int i = 0; i < count; ++i) peers.push_back(RandomPeer(random, options));
  if (random.Chance(8)) peers.push_back(peers.front());
  return peers;
}

Words RandomTypes(Random& random, bool invalid_parts) {
  if (invalid_parts && random.Chance(2)) return {"Sideways"};
  if (invalid_parts && random.Chance(2)) return {"Ingress", "Sideways"};
  static const auto* const kTypes = new std::vector<Words>{
      {},
      {"Ingress"},
      {"Egress"},
      {"Ingress", "Egress"},
      {"Ingress", "Egress"},
      {"Egress", "Egress"},
  };
  return random.Pick(*kTypes);
}

}  // namespace

k8s::NetworkPolicy RandomPolicy(Random& random,
                                const RandomClusterOptions& options,
                                absl::string_view ns, absl::string_view name) {
  PolicyBuilder builder(ns, name);
  if (random.Chance(20)) {
    builder.Selects(MatchLabels());
  } else if (!random.Chance(6)) {
    builder.Selects(
        RandomSelector(random, options.invalid_parts, RandomPodLabelKeys()));
  } else if (random.Chance(60)) {
    builder.Selects({{"app", "no-such-app"}});
  }
  builder.Types(RandomTypes(random, options.invalid_parts));
  const int ingress = random.Between(0, options.max_rules);
  for (int i = 0; i < ingress; ++i) {
    const PolicyBuilder::Peers peers = RandomPeers(random, options);
    const PolicyBuilder::Ports ports =
        RandomPorts(random, options.invalid_parts);
    builder.Ingress(peers, ports);
  }
  const int egress = random.Between(0, options.max_rules);
  for (int i = 0; i < egress; ++i) {
    const PolicyBuilder::Peers peers = RandomPeers(random, options);
    const PolicyBuilder::Ports ports =
        RandomPorts(random, options.invalid_parts);
    builder.Egress(peers, ports);
  }
  return builder.Build();
}

}  // namespace netpol
