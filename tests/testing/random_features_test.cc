// Over 200 seeds every feature of the API that the generator promises occurs.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/testing/random_cluster.h"

namespace netpol {
namespace {

// How many seeds showed a feature at least once.
class FeatureCount {
 public:
  void Saw(bool condition, const std::string& feature) {
    if (condition) current_.insert(feature);
  }
  void EndSeed() {
    for (const std::string& feature : current_) ++seeds_[feature];
    current_.clear();
  }
  int operator[](const std::string& feature) const {
    const auto found = seeds_.find(feature);
    return found == seeds_.end() ? 0 : found->second;
  }

 private:
  std::set<std::string> current_;
  std::map<std::string, int> seeds_;
};

void SeeSelector(const k8s::LabelSelector& selector, const std::string& place,
                 FeatureCount& count) {
  const bool labels = !selector.match_labels().empty();
  const bool expressions = selector.match_expressions_size() > 0;
  count.Saw(!labels && !expressions, place + " empty");
  count.Saw(labels && !expressions, place + " matchLabels");
  count.Saw(!labels && expressions, place + " matchExpressions");
  count.Saw(labels && expressions, place + " both");
  for (const auto& requirement : selector.match_expressions()) {
    const bool set =
        requirement.operator_() == "In" || requirement.operator_() == "NotIn";
    count.Saw(set && requirement.values_size() == 0, "In without values");
    count.Saw(!set && requirement.values_size() > 0, "Exists with values");
    count.Saw(true, place + " " + requirement.operator_());
  }
}

void SeeExcept(const IpPrefix& cidr, const std::string& text,
               FeatureCount& count) {
  const auto except = IpPrefix::Parse(text);
  count.Saw(!except.ok(), "except unreadable");
  if (!except.ok()) return;
  count.Saw(*except == cidr, "except is all");
  count.Saw(*except != cidr && cidr.Contains(*except), "except inside");
  count.Saw(except->IsHost() && cidr.Contains(*except),
            std::string(FamilyName(except->family())) + " except one address");
  count.Saw(except->ToString() != text, "except host bits");
  count.Saw(*except != cidr && except->Contains(cidr), "except around");
  const bool other = except->family() != cidr.family();
  count.Saw(other, "except other family");
  count.Saw(!other && !cidr.Contains(*except) && !except->Contains(cidr),
            "except outside");
}

void SeeExceptPairs(const std::vector<IpPrefix>& excepts, FeatureCount& count) {
  for (size_t i = 0; i < excepts.size(); ++i) {
    for (size_t j = 0; j < excepts.size(); ++j) {
      if (i == j) continue;
      const bool same = excepts[i] == excepts[j];
      count.Saw(same, "except twice");
      count.Saw(!same && excepts[i].Contains(excepts[j]), "except nested");
    }
  }
}

void SeeBlock(const k8s::IPBlock& block, FeatureCount& count) {
  const auto cidr = IpPrefix::Parse(block.cidr());
  count.Saw(!cidr.ok(), "cidr unreadable");
  if (!cidr.ok()) return;
  const std::string family =
      cidr->family() == Family::kIPv4 ? "IPv4 block" : "IPv6 block";
  count.Saw(cidr->length == 0, family + " everything");
  count.Saw(cidr->IsHost(), family + " one address");
  count.Saw(!cidr->IsHost() && cidr->length > 0, family + " between");
  const bool mapped = block.cidr().find("::ffff:") == 0;
  count.Saw(mapped, "IPv4 as IPv6");
  count.Saw(!mapped && cidr->ToString() != block.cidr(), family + " host bits");
  std::vector<IpPrefix> excepts;
  for (const std::string& text : block.except()) {
    SeeExcept(*cidr, text, count);
    const auto except = IpPrefix::Parse(text);
    if (except.ok()) excepts.push_back(*except);
  }
  count.Saw(excepts.empty(), "no except");
  SeeExceptPairs(excepts, count);
}

// Where a port's name stands: `side` is "ingress" or "egress".
template <typename Peers, typename Ports>
void SeeNamedPorts(const Peers& peers, const Ports& ports,
                   const std::string& side, FeatureCount& count) {
  for (const k8s::NetworkPolicyPort& entry : ports) {
    if (!entry.has_port() || entry.port().type() != 1) continue;
    const std::string place = side + " name ";
    count.Saw(peers.empty(), place + "without peers");
    count.Saw(true, place + entry.protocol());
    for (const k8s::NetworkPolicyPeer& peer : peers) {
      count.Saw(peer.has_ip_block(), place + "with a block");
      count.Saw(peer.has_pod_selector() || peer.has_namespace_selector(),
                place + "with pods");
    }
  }
}

template <typename Peers>
void SeePeers(const Peers& peers, FeatureCount& count) {
  count.Saw(peers.empty(), "no peers");
  count.Saw(peers.size() > 1, "several peers");
  std::vector<IpPrefix> blocks;
  for (const k8s::NetworkPolicyPeer& peer : peers) {
    const bool pods = peer.has_pod_selector();
    const bool namespaces = peer.has_namespace_selector();
    count.Saw(pods && !namespaces && !peer.has_ip_block(), "peer pods");
    count.Saw(!pods && namespaces, "peer namespaces");
    count.Saw(pods && namespaces, "peer pods in namespaces");
    count.Saw(!pods && !namespaces && !peer.has_ip_block(), "peer empty");
    count.Saw(pods && peer.has_ip_block(), "peer block and selector");
    if (pods) SeeSelector(peer.pod_selector(), "pods", count);
    if (namespaces) {
      SeeSelector(peer.namespace_selector(), "namespaces", count);
    }
    if (!peer.has_ip_block()) continue;
    SeeBlock(peer.ip_block(), count);
    const auto cidr = IpPrefix::Parse(peer.ip_block().cidr());
    if (!cidr.ok()) continue;
    for (const IpPrefix& other : blocks) {
      count.Saw(other == *cidr, "block twice");
      count.Saw(
          other != *cidr && (other.Contains(*cidr) || cidr->Contains(other)),
          "blocks overlap");
    }
    blocks.push_back(*cidr);
  }
}

template <typename Ports>
void SeePorts(const Ports& ports, FeatureCount& count) {
  count.Saw(ports.empty(), "no ports");
  count.Saw(ports.size() > 15, "many ports");
  for (const k8s::NetworkPolicyPort& entry : ports) {
    const k8s::IntOrString& port = entry.port();
    const bool named = entry.has_port() && port.type() == 1;
    const bool number = entry.has_port() && port.type() == 0;
    const bool range = number && entry.has_end_port();
    const bool inside =
        number && port.int_val() >= 1 && port.int_val() <= 65535;
    count.Saw(true, entry.has_protocol() ? "protocol " + entry.protocol()
                                         : "protocol absent");
    count.Saw(!entry.has_port() && !entry.has_end_port(), "protocol only");
    count.Saw(!entry.has_port() && entry.has_end_port(), "endPort alone");
    count.Saw(number && !range && inside, "port number");
    count.Saw(number && !inside, "port out of range");
    count.Saw(range && entry.end_port() > port.int_val(), "port range");
    count.Saw(range && entry.end_port() == port.int_val(), "range of one");
    count.Saw(range && entry.end_port() < port.int_val(), "range backwards");
    count.Saw(range && entry.end_port() > 65535, "endPort out of range");
    count.Saw(named && !entry.has_end_port(), "port name " + port.str_val());
    count.Saw(named && entry.has_end_port(), "named range");
  }
}

void SeePolicy(const k8s::NetworkPolicy& policy, FeatureCount& count) {
  const k8s::NetworkPolicySpec& spec = policy.spec();
  std::string types = "types";
  for (const std::string& type : spec.policy_types()) types += " " + type;
  count.Saw(true, types);
  count.Saw(!spec.has_pod_selector(), "subject absent");
  if (spec.has_pod_selector()) {
    SeeSelector(spec.pod_selector(), "subject", count);
  }
  const auto app = spec.pod_selector().match_labels().find("app");
  count.Saw(app != spec.pod_selector().match_labels().end() &&
                app->second == "no-such-app",
            "selects nothing");
  count.Saw(spec.ingress_size() == 0 && spec.egress_size() == 0, "no rules");
  count.Saw(spec.ingress_size() > 1 && spec.egress_size() > 1, "several rules");
  for (const auto& rule : spec.ingress()) {
    count.Saw(rule.ports().empty() && rule.from().empty(), "empty rule");
    SeePeers(rule.from(), count);
    SeePorts(rule.ports(), count);
    SeeNamedPorts(rule.from(), rule.ports(), "ingress", count);
  }
  for (const auto& rule : spec.egress()) {
    SeePeers(rule.to(), count);
    SeePorts(rule.ports(), count);
    SeeNamedPorts(rule.to(), rule.ports(), "egress", count);
  }
}

void SeePodPorts(const k8s::Pod& pod, FeatureCount& count) {
  std::map<std::string, std::set<int>> numbers;
  std::map<std::string, std::set<std::string>> protocols;
  for (const k8s::Container& container : pod.spec().containers()) {
    for (const k8s::ContainerPort& port : container.ports()) {
      const bool inside =
          port.container_port() >= 1 && port.container_port() <= 65535;
      count.Saw(!inside, "container port out of range");
      count.Saw(!port.has_name(), "container port without name");
      count.Saw(true, "container protocol " + port.protocol());
      protocols[port.name()].insert(port.protocol().empty() ? "TCP"
                                                            : port.protocol());
      if (port.protocol().empty() || port.protocol() == "TCP") {
        numbers[port.name()].insert(port.container_port());
      }
    }
  }
  for (const auto& [name, given] : numbers) {
    count.Saw(!name.empty() && given.size() > 1, "name with several numbers");
  }
  for (const auto& [name, given] : protocols) {
    count.Saw(!name.empty() && given.size() > 1, "name with several protocols");
  }
  for (const k8s::Container& container : pod.spec().init_containers()) {
    for (const k8s::ContainerPort& port : container.ports()) {
      count.Saw(numbers.count(port.name()) > 0 &&
                    container.restart_policy() == "Always",
                "sidecar shares a name");
    }
    count.Saw(true,
              container.restart_policy() == "Always" ? "sidecar" : "init");
  }
}

// Of all containers that stay, TCP.
std::map<std::string, std::set<int>> NamedPortsOf(const k8s::Pod& pod) {
  std::map<std::string, std::set<int>> numbers;
  for (const k8s::Container& container : pod.spec().containers()) {
    for (const k8s::ContainerPort& port : container.ports()) {
      if (port.has_name() && port.protocol() != "UDP" &&
          port.protocol() != "SCTP") {
        numbers[port.name()].insert(port.container_port());
      }
    }
  }
  return numbers;
}

void SeePortNamesAcrossPods(const Cluster& cluster, FeatureCount& count) {
  std::map<std::string, std::set<int>> first;
  for (const k8s::Pod& pod : cluster.pods) {
    for (const auto& [name, numbers] : NamedPortsOf(pod)) {
      const auto [known, inserted] = first.emplace(name, numbers);
      count.Saw(!inserted && known->second != numbers, "name differs per pod");
    }
  }
}

void SeeWrongAddresses(const k8s::Pod& pod, FeatureCount& count) {
  std::set<std::string> texts;
  for (const k8s::PodIP& ip : pod.status().pod_ips()) {
    count.Saw(!texts.insert(ip.ip()).second, "address twice in a pod");
    count.Saw(!IpAddress::Parse(ip.ip()).ok(), "address unreadable");
  }
}

void SeeNodes(const RandomClusterOptions& options, const Cluster& cluster,
              FeatureCount& count) {
  bool own = false;
  for (const k8s::Node& node : cluster.nodes) {
    own |= node.metadata().name() == options.node;
    count.Saw(true, "node with " +
                        std::to_string(node.spec().pod_cidrs_size()) +
                        " pod CIDRs");
    count.Saw(node.status().addresses_size() > 2, "node with addresses");
  }
  count.Saw(!own, "own node not told");
  count.Saw(cluster.nodes.size() == 2, "both nodes told");
}

void SeePods(const Cluster& cluster, FeatureCount& count) {
  std::set<std::string> labels;
  std::set<std::string> addresses;
  for (const k8s::Pod& pod : cluster.pods) {
    SeePodPorts(pod, count);
    SeeWrongAddresses(pod, count);
    const int families = pod.status().pod_ips_size();
    const bool old = families == 0 && pod.status().has_pod_ip();
    const bool host = pod.spec().host_network();
    const std::string& phase = pod.status().phase();
    count.Saw(host, "host network");
    count.Saw(true, "phase " + phase);
    count.Saw(families == 2, "dual stack");
    count.Saw(families == 1, "single stack");
    count.Saw(old, "podIP only");
    count.Saw(families == 0 && !old, "no address");
    count.Saw(pod.metadata().has_deletion_timestamp(), "terminating");
    std::map<std::string, std::string> sorted(pod.metadata().labels().begin(),
                                              pod.metadata().labels().end());
    std::string text;
    for (const auto& [key, value] : sorted)
      absl::StrAppend(&text, key, "=", value, ",");
    count.Saw(!labels.insert(text).second, "labels twice");
    count.Saw(sorted.empty(), "pod without labels");
    if (host || phase == "Succeeded" || phase == "Failed") continue;
    for (const auto& ip : pod.status().pod_ips()) {
      count.Saw(!addresses.insert(ip.ip()).second, "address twice");
    }
  }
}

FeatureCount CountFeatures(const RandomClusterOptions& options) {
  FeatureCount count;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    std::set<std::string> namespaces;
    for (const k8s::Namespace& ns : cluster.namespaces) {
      namespaces.insert(ns.metadata().name());
      const bool named =
          ns.metadata().labels().count("kubernetes.io/metadata.name") > 0;
      count.Saw(true, named ? "name label" : "no name label");
    }
    for (const k8s::Pod& pod : cluster.pods) {
      count.Saw(namespaces.count(pod.metadata().namespace_()) == 0,
                "pod of a missing namespace");
    }
    SeePods(cluster, count);
    SeePortNamesAcrossPods(cluster, count);
    SeeNodes(options, cluster, count);
    for (const auto& policy : cluster.policies) SeePolicy(policy, count);
    count.Saw(cluster.policies.empty(), "no policies");
    count.EndSeed();
  }
  return count;
}

const std::vector<std::string>& InvalidFeatures() {
  static const auto* const kFeatures =
      new std::vector<std::string>{"In without values",
                                   "Exists with values",
                                   "pods Matches",
                                   "namespaces Matches",
                                   "subject Matches",
                                   "except unreadable",
                                   "except is all",
                                   "except around",
                                   "except outside",
                                   "except other family",
                                   "cidr unreadable",
                                   "peer empty",
                                   "peer block and selector",
                                   "endPort alone",
                                   "port out of range",
                                   "range backwards",
                                   "endPort out of range",
                                   "named range",
                                   "types Sideways",
                                   "types Ingress Sideways",
                                   "port name 80",
                                   "protocol ICMP",
                                   "address unreadable",
                                   "address twice in a pod",
                                   "container port out of range"};
  return *kFeatures;
}

TEST(RandomFeaturesTest, EveryValidFeatureOccurs) {
  const FeatureCount count = CountFeatures({});
  for (const char* place : {"subject", "pods", "namespaces"}) {
    for (const char* shape :
         {" empty", " matchLabels", " matchExpressions", " both", " In",
          " NotIn", " Exists", " DoesNotExist"}) {
      EXPECT_GE(count[std::string(place) + shape], 3) << place << shape;
    }
  }
  for (const char* feature :
       {"subject absent", "selects nothing", "no rules", "several rules",
        "empty rule", "no policies", "types", "types Ingress", "types Egress",
        "types Ingress Egress", "types Egress Egress",
        // Peers.
        "no peers", "several peers", "peer pods", "peer namespaces",
        "peer pods in namespaces", "IPv4 block everything",
        "IPv4 block one address", "IPv4 block between", "IPv6 block everything",
        "IPv6 block one address", "IPv6 block between", "IPv4 as IPv6",
        "IPv4 block host bits", "IPv6 block host bits", "no except",
        "except inside", "except twice", "except nested", "except host bits",
        "IPv4 except one address", "IPv6 except one address", "block twice",
        "blocks overlap",
        // Ports.
        "no ports", "many ports", "protocol TCP", "protocol UDP",
        "protocol SCTP", "protocol absent", "protocol only", "port number",
        "port range", "range of one", "port name http", "port name dns",
        "port name metrics", "port name nobody",
        // Where port names stand.
        "ingress name without peers", "ingress name with a block",
        "ingress name with pods", "ingress name ", "ingress name UDP",
        "ingress name SCTP", "egress name without peers",
        "egress name with a block", "egress name with pods", "egress name ",
        "egress name UDP", "egress name SCTP", "name differs per pod",
        "name with several protocols", "sidecar shares a name",
        // Pods and namespaces.
        "host network", "phase Running", "phase Pending", "phase Succeeded",
        "phase Failed", "dual stack", "single stack", "podIP only",
        "no address", "address twice", "terminating", "labels twice",
        "pod without labels", "container port without name",
        "container protocol ", "container protocol UDP",
        "container protocol SCTP", "name with several numbers", "sidecar",
        "init", "name label", "no name label", "pod of a missing namespace",
        // Nodes.
        "node with 0 pod CIDRs", "node with 1 pod CIDRs",
        "node with 2 pod CIDRs", "node with addresses", "own node not told",
        "both nodes told"}) {
    EXPECT_GE(count[feature], 3) << feature;
  }
}

TEST(RandomFeaturesTest, EveryInvalidFeatureOccursWhenAsked) {
  const FeatureCount count = CountFeatures({});
  for (const std::string& feature : InvalidFeatures()) {
    EXPECT_GE(count[feature], 1) << feature;
  }
}

TEST(RandomFeaturesTest, NothingInvalidOccursWhenNotAsked) {
  RandomClusterOptions options;
  options.invalid_parts = false;
  const FeatureCount count = CountFeatures(options);
  for (const std::string& feature : InvalidFeatures()) {
    EXPECT_EQ(count[feature], 0) << feature;
  }
}

}  // namespace
}  // namespace netpol
