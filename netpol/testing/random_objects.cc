#include "netpol/testing/random_objects.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

k8s::ContainerPort RandomContainerPort(Random& random) {
  static const auto* const kProtocols =
      new std::vector<std::string>{"", "TCP", "TCP", "UDP", "SCTP"};
  k8s::ContainerPort port;
  if (!random.Chance(10)) port.set_name(random.Pick(RandomPortNames()));
  port.set_container_port(random.Pick(RandomPortNumbers()));
  const std::string& protocol = random.Pick(*kProtocols);
  if (!protocol.empty()) port.set_protocol(protocol);
  return port;
}

// The pair, or one of its families.
AddressPair RandomStack(Random& random, AddressPair pair) {
  const int draw = random.Between(0, 9);
  if (draw == 0 && !pair.v4.empty()) pair.v6.clear();
  if (draw == 1 && !pair.v6.empty()) pair.v4.clear();
  return pair;
}

}  // namespace

const std::vector<std::string>& RandomPodLabelKeys() {
  static const auto* const kKeys =
      new std::vector<std::string>{"app", "tier", "example.org/track"};
  return *kKeys;
}

const std::vector<std::string>& RandomNamespaceLabelKeys() {
  static const auto* const kKeys = new std::vector<std::string>{
      "env", "team", "kubernetes.io/metadata.name"};
  return *kKeys;
}

const std::vector<std::string>& RandomLabelValues() {
  static const auto* const kValues =
      new std::vector<std::string>{"web", "db", "ns-a", "ns-b", ""};
  return *kValues;
}

const std::vector<std::string>& RandomPortNames() {
  static const auto* const kNames =
      new std::vector<std::string>{"http", "dns", "metrics"};
  return *kNames;
}

const std::vector<int>& RandomPortNumbers() {
  static const auto* const kNumbers = new std::vector<int>{
      1, 53, 80, 81, 443, 8080, 8081, 9090, 32768, 65534, 65535};
  return *kNumbers;
}

std::string RandomNamespaceName(Random& random,
                                const RandomClusterOptions& options) {
  const int count = std::clamp(options.max_namespaces, 1, 5);
  // Two namespaces hold most objects, so that policies find pods.
  const int crowded = random.Chance(60) ? std::min(count, 2) : count;
  const char letter = static_cast<char>('a' + random.Between(0, crowded - 1));
  return absl::StrCat("ns-", absl::string_view(&letter, 1));
}

LabelList RandomLabels(Random& random, const std::vector<std::string>& keys) {
  LabelList labels;
  for (const std::string& key : keys) {
    if (!random.Chance(60)) continue;
    // The first two words more often than the rest.
    const bool common = random.Chance(75);
    const uint64_t word = random.Below(common ? 2 : RandomLabelValues().size());
    labels.emplace_back(key, RandomLabelValues()[word]);
  }
  return labels;
}

k8s::Namespace RandomNamespace(Random& random, absl::string_view name) {
  const std::vector<std::string> keys = {"env", "team"};
  k8s::Namespace ns = MakeNamespace(name, RandomLabels(random, keys));
  if (random.Chance(70)) {
    (*ns.mutable_metadata()->mutable_labels())["kubernetes.io/metadata.name"] =
        std::string(name);
  }
  return ns;
}

void RandomizeLabels(Random& random, k8s::Pod& pod) {
  pod.mutable_metadata()->clear_labels();
  for (const auto& [key, value] : RandomLabels(random, RandomPodLabelKeys())) {
    (*pod.mutable_metadata()->mutable_labels())[key] = value;
  }
}

void RandomizePorts(Random& random, k8s::Pod& pod) {
  pod.mutable_spec()->clear_containers();
  pod.mutable_spec()->clear_init_containers();
  const int containers = random.Between(1, 2);
  for (int i = 0; i < containers; ++i) {
    k8s::Container* container = pod.mutable_spec()->add_containers();
    container->set_name(absl::StrCat("c", i));
    const int ports = random.Between(0, 3);
    for (int port = 0; port < ports; ++port) {
      *container->add_ports() = RandomContainerPort(random);
    }
  }
  if (!random.Chance(30)) return;
  k8s::Container* init = pod.mutable_spec()->add_init_containers();
  init->set_name("i0");
  if (random.Chance(60)) init->set_restart_policy("Always");
  *init->add_ports() = RandomContainerPort(random);
}

void SetAddresses(const AddressPair& pair, k8s::Pod& pod) {
  k8s::PodStatus* status = pod.mutable_status();
  status->clear_pod_ip();
  status->clear_pod_ips();
  for (const std::string& address : {pair.v4, pair.v6}) {
    if (!address.empty()) status->add_pod_ips()->set_ip(address);
  }
  if (status->pod_ips_size() > 0) status->set_pod_ip(status->pod_ips(0).ip());
}

k8s::Pod RandomPod(Random& random, absl::string_view ns, absl::string_view name,
                   absl::string_view node, const AddressPair& pair) {
  PodBuilder builder(ns, name);
  // Few moments, so that ties occur.
  builder.On(node).Created(1700000000 + random.Between(0, 2));
  builder.Uid(absl::StrCat("uid-", random.Below(1000000)));
  builder.Phase(random.Chance(85) ? "Running" : "Pending");
  if (random.Chance(10)) builder.Terminating();
  k8s::Pod pod = builder.Build();
  RandomizeLabels(random, pod);
  RandomizePorts(random, pod);
  SetAddresses(RandomStack(random, pair), pod);
  // As an old server tells a pod of one family.
  if (pod.status().pod_ips_size() == 1 && random.Chance(30)) {
    pod.mutable_status()->clear_pod_ips();
  }
  return pod;
}

k8s::Pod RandomIdlePod(Random& random, const RandomClusterOptions& options,
                       absl::string_view ns, absl::string_view name) {
  const std::string node =
      random.Chance(50) ? options.node : options.remote_node;
  const AddressPair& pair =
      random.Pick(random.Chance(50) ? options.local_pods : options.remote_pods);
  k8s::Pod pod = RandomPod(random, ns, name, node, pair);
  switch (random.Between(0, 3)) {
    case 0:
      pod.mutable_spec()->set_host_network(true);
      SetAddresses(options.node_addresses.front(), pod);
      break;
    case 1:
      pod.mutable_status()->set_phase("Succeeded");
      break;
    case 2:
      pod.mutable_status()->set_phase("Failed");
      break;
    default:
      SetAddresses({}, pod);
      pod.mutable_status()->set_phase("Pending");
  }
  return pod;
}

k8s::Node RandomNode(Random& random, const RandomClusterOptions& options,
                     const std::string& name) {
  const bool own = name == options.node;
  k8s::Node node;
  node.mutable_metadata()->set_name(name);
  if (random.Chance(80)) {
    const std::string third = own ? "0" : random.Chance(80) ? "1" : "200";
    node.mutable_spec()->add_pod_cidrs(absl::StrCat("10.42.", third, ".0/24"));
    if (random.Chance(80)) {
      node.mutable_spec()->add_pod_cidrs(
          absl::StrCat("fd00:42:0:", third, "::/64"));
    }
    node.mutable_spec()->set_pod_cidr(node.spec().pod_cidrs(0));
  }
  for (const AddressPair& pair :
       own ? options.node_addresses : options.outside) {
    for (const std::string& address : {pair.v4, pair.v6}) {
      if (address.empty() || random.Chance(30)) continue;
      k8s::NodeAddress* entry = node.mutable_status()->add_addresses();
      entry->set_type(random.Chance(70) ? "InternalIP" : "ExternalIP");
      entry->set_address(address);
    }
  }
  k8s::NodeAddress* host = node.mutable_status()->add_addresses();
  host->set_type("Hostname");
  host->set_address(name);
  return node;
}

void SpoilPod(Random& random, k8s::Pod& pod) {
  k8s::PodStatus* status = pod.mutable_status();
  switch (random.Between(0, 3)) {
    case 0:
      // Beside a good one: podIP alone would mean something else then.
      if (status->pod_ips_size() > 0) {
        status->add_pod_ips()->set_ip(random.Chance(50) ? "10.42.0.999" : "");
      }
      break;
    case 1:
      status->set_pod_ip("nowhere");
      break;
    case 2:
      if (status->pod_ips_size() > 0) {
        const std::string first = status->pod_ips(0).ip();
        status->add_pod_ips()->set_ip(first);
      }
      break;
    default: {
      k8s::Container* container = pod.mutable_spec()->add_containers();
      k8s::ContainerPort* port = container->add_ports();
      port->set_name(random.Pick(RandomPortNames()));
      port->set_container_port(random.Chance(50) ? 0 : 70000);
      // Beside a good one of the same name.
      port = container->add_ports();
      port->set_name(random.Pick(RandomPortNames()));
      port->set_container_port(random.Pick(RandomPortNumbers()));
      port->set_protocol(random.Chance(80) ? "TCP" : "ICMP");
    }
  }
}

}  // namespace netpol
