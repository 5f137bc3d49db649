#include "netpol/testing/cluster.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

std::string OneLine(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

template <typename Object>
bool SameKey(const Object& a, const Object& b) {
  return a.metadata().namespace_() == b.metadata().namespace_() &&
         a.metadata().name() == b.metadata().name();
}

template <typename Object>
void Apply(v1::WatchEvent::Type type, const Object& object,
           std::vector<Object>& all) {
  const auto found = std::find_if(
      all.begin(), all.end(),
      [&object](const Object& other) { return SameKey(object, other); });
  if (type == v1::WatchEvent::UPSERT) {
    if (found == all.end()) {
      all.push_back(object);
    } else {
      *found = object;
    }
  } else if (type == v1::WatchEvent::DELETE && found != all.end()) {
    all.erase(found);
  }
}

}  // namespace

std::string Describe(const Cluster& cluster) {
  std::string text;
  for (const k8s::Namespace& ns : cluster.namespaces) {
    absl::StrAppend(&text, "namespace: ", OneLine(ns), "\n");
  }
  for (const k8s::Node& node : cluster.nodes) {
    absl::StrAppend(&text, "node: ", OneLine(node), "\n");
  }
  for (const k8s::Pod& pod : cluster.pods) {
    absl::StrAppend(&text, "pod: ", OneLine(pod), "\n");
  }
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    absl::StrAppend(&text, "policy ", policy.metadata().namespace_(), "/",
                    policy.metadata().name(), ": ", OneLine(policy.spec()),
                    "\n");
  }
  return text;
}

std::vector<v1::WatchEvent> ListingOf(const Cluster& cluster) {
  std::vector<v1::WatchEvent> events;
  for (const k8s::Namespace& ns : cluster.namespaces) {
    events.push_back(Upsert(ns));
  }
  for (const k8s::Node& node : cluster.nodes) events.push_back(Upsert(node));
  for (const k8s::Pod& pod : cluster.pods) events.push_back(Upsert(pod));
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    events.push_back(Upsert(policy));
  }
  for (v1::WatchEvent::Kind kind :
       {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD, v1::WatchEvent::NODE,
        v1::WatchEvent::NETWORK_POLICY}) {
    events.push_back(Listed(kind));
  }
  return events;
}

void ApplyEvent(const v1::WatchEvent& event, Cluster& cluster) {
  if (event.has_namespace_()) {
    Apply(event.type(), event.namespace_(), cluster.namespaces);
  } else if (event.has_node()) {
    Apply(event.type(), event.node(), cluster.nodes);
  } else if (event.has_pod()) {
    Apply(event.type(), event.pod(), cluster.pods);
  } else if (event.has_network_policy()) {
    Apply(event.type(), event.network_policy(), cluster.policies);
  }
}

bool IsOfPodOn(const Cluster& cluster, absl::string_view node,
               const IpAddress& address) {
  const std::string text = address.ToString();
  for (const k8s::Pod& pod : cluster.pods) {
    if (pod.spec().node_name() != node) continue;
    if (pod.status().pod_ip() == text) return true;
    for (const k8s::PodIP& ip : pod.status().pod_ips()) {
      if (ip.ip() == text) return true;
    }
  }
  return false;
}

}  // namespace netpol
