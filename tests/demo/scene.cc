#include "tests/demo/scene.h"

#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"
#include "netpol/watch/manifests/manifest_source.h"

namespace netpol {
namespace {

// A column: `host` is a pod of the manifests or one of Outsiders().
struct Column {
  const char* host;
  const char* host_heading;
  const char* port_heading;
  uint8_t protocol;
  uint16_t port;
};

constexpr Column kColumns[] = {
    {"shop/web", "web", "8080", IPPROTO_TCP, 8080},
    {"shop/api", "api", "8081", IPPROTO_TCP, 8081},
    {"shop/db", "db", "5432", IPPROTO_TCP, 5432},
    {"shop/api", "api", "9101", IPPROTO_TCP, 9101},
    {"shop/worker", "worker", "6060", IPPROTO_TCP, 6060},
    {"ops/dns", "dns", "53/udp", IPPROTO_UDP, 53},
    {"payments", "payments", "443", IPPROTO_TCP, 443},
    {"pay-admin", "pay-admin", "443", IPPROTO_TCP, 443},
};

constexpr size_t kNamedDifferences = 10;

absl::StatusOr<Host> MakeHost(std::string name, HostPlace place,
                              const std::vector<std::string>& texts) {
  Host host{std::move(name), place, {}};
  bool found[2] = {false, false};
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text));
    host.addresses[static_cast<int>(address.family)] = address;
    found[static_cast<int>(address.family)] = true;
  }
  if (found[0] && found[1]) return host;
  return absl::InvalidArgumentError(absl::StrCat(
      "placing ", host.name, ": give it an IPv4 and an IPv6 address"));
}

absl::StatusOr<Host> MakeHost(const k8s::Pod& pod) {
  const std::string& node = pod.spec().node_name();
  const bool here = node == kDemoNode;
  std::vector<std::string> addresses;
  for (const k8s::PodIP& ip : pod.status().pod_ips())
    addresses.push_back(ip.ip());
  return MakeHost(
      absl::StrCat(pod.metadata().namespace_(), "/", pod.metadata().name(),
                   here ? "" : absl::StrCat(" (", node, ")")),
      here ? HostPlace::kNodePod : HostPlace::kElsewhere, addresses);
}

// Nobody that Kubernetes knows of. The addresses are those for documentation
// (RFC 5737, RFC 3849); the node's are the lab's.
absl::StatusOr<std::vector<Host>> Outsiders() {
  std::vector<Host> hosts(4);
  ASSIGN_OR_RETURN(hosts[0], MakeHost("node-a itself", HostPlace::kNode,
                                      {"172.31.0.1", "fd00:31::1"}));
  ASSIGN_OR_RETURN(hosts[1], MakeHost("outside client", HostPlace::kElsewhere,
                                      {"198.51.100.7", "2001:db8:51::7"}));
  ASSIGN_OR_RETURN(hosts[2], MakeHost("payments", HostPlace::kElsewhere,
                                      {"203.0.113.10", "2001:db8:113::10"}));
  ASSIGN_OR_RETURN(hosts[3],
                   MakeHost("pay-admin", HostPlace::kElsewhere,
                            {"203.0.113.200", "2001:db8:113:ff00::200"}));
  return hosts;
}

absl::StatusOr<Cluster> ReadCluster(const std::vector<std::string>& manifests) {
  ASSIGN_OR_RETURN(const ManifestSet read, ReadManifests(manifests));
  if (!read.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "reading the manifests: ", read.problems.front().ToString()));
  }
  Cluster cluster;
  for (const v1::WatchEvent& event : read.objects) ApplyEvent(event, cluster);
  return cluster;
}

const Host* FindHost(const Scene& scene, const std::string& name) {
  const auto found =
      std::find_if(scene.hosts.begin(), scene.hosts.end(),
                   [&](const Host& host) { return host.name == name; });
  return found == scene.hosts.end() ? nullptr : &*found;
}

// Rules are met by what goes to, from or through the node between two places.
bool CrossesNode(const Host& from, const Host& to) {
  return from.name != to.name && !(from.place == HostPlace::kElsewhere &&
                                   to.place == HostPlace::kElsewhere);
}

NodeView ViewOfNode() {
  NodeView view;
  view.name = kDemoNode;
  for (const char* text :
       {"172.31.0.1", "fd00:31::1", "10.42.0.1", "fd00:42::1", "10.42.0.0"}) {
    view.addresses.push_back(*IpAddress::Parse(text));
  }
  return view;
}

const char* Word(ProbeOutcome outcome) {
  return outcome == ProbeOutcome::kAllowed    ? "allowed"
         : outcome == ProbeOutcome::kRejected ? "rejected"
                                              : "dropped";
}

}  // namespace

absl::StatusOr<Scene> ReadScene(const std::vector<std::string>& manifests) {
  Scene scene;
  ASSIGN_OR_RETURN(scene.cluster, ReadCluster(manifests));
  for (const k8s::Pod& pod : scene.cluster.pods) {
    ASSIGN_OR_RETURN(Host host, MakeHost(pod));
    scene.hosts.push_back(std::move(host));
  }
  ASSIGN_OR_RETURN(const std::vector<Host> outsiders, Outsiders());
  scene.hosts.insert(scene.hosts.end(), outsiders.begin(), outsiders.end());
  for (const Column& column : kColumns) {
    const Host* host = FindHost(scene, column.host);
    if (host == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("reading the manifests: no pod ", column.host));
    }
    scene.targets.push_back({*host, column.host_heading, column.port_heading,
                             column.protocol, column.port});
  }
  for (const Host& host : scene.hosts) {
    if (host.name != "payments" && host.name != "pay-admin")
      scene.senders.push_back(host);
  }
  return scene;
}

Verdicts ExpectedVerdicts(const Scene& scene, bool enforced) {
  Cluster cluster = scene.cluster;
  if (!enforced) cluster.policies.clear();
  const NodeView node = ViewOfNode();
  Verdicts verdicts;
  for (const Family family : kFamilies) {
    for (const Host& sender : scene.senders) {
      for (size_t i = 0; i < scene.targets.size(); ++i) {
        const Target& target = scene.targets[i];
        if (!CrossesNode(sender, target.host)) continue;
        const Packet packet = {sender.Of(family), target.host.Of(family),
                               target.protocol, target.port};
        const bool allowed = Evaluate(cluster, node, packet).allowed;
        verdicts[{sender.name, i, family}] =
            allowed ? ProbeOutcome::kAllowed : ProbeOutcome::kRejected;
      }
    }
  }
  return verdicts;
}

ProbeSpec SpecOf(const Scene& scene, const Path& path) {
  const Target& target = scene.targets[path.target];
  return {FindHost(scene, path.sender)->Of(path.family),
          target.host.Of(path.family), target.protocol, target.port};
}

Verdicts Changes(const Verdicts& before, const Verdicts& after) {
  Verdicts changes;
  for (const auto& [path, outcome] : after) {
    const auto old = before.find(path);
    if (old == before.end() || old->second != outcome) changes[path] = outcome;
  }
  return changes;
}

std::vector<std::string> Differences(const Scene& scene,
                                     const Verdicts& expected,
                                     const Verdicts& measured) {
  std::vector<std::string> lines;
  for (const auto& [path, outcome] : expected) {
    const auto found = measured.find(path);
    if (found != measured.end() && found->second == outcome) continue;
    const Target& target = scene.targets[path.target];
    lines.push_back(absl::StrCat(
        FamilyName(path.family), " from ", path.sender, " to ",
        target.host.name, " port ", target.port_heading, ": expected ",
        Word(outcome), ", but ",
        found == measured.end() ? "nothing was sent" : Word(found->second)));
  }
  if (lines.size() > kNamedDifferences) {
    const size_t more = lines.size() - kNamedDifferences;
    lines.resize(kNamedDifferences);
    lines.push_back(absl::StrCat("and ", more, " more"));
  }
  return lines;
}

}  // namespace netpol
