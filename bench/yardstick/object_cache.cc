#include "bench/yardstick/object_cache.h"

#include "absl/strings/match.h"

namespace netpol {
namespace {

LabelMap LabelsOf(const k8s::ObjectMeta& metadata) {
  return LabelMap(metadata.labels().begin(), metadata.labels().end());
}

bool IsFinished(const std::string& phase) {
  return phase == "Failed" || phase == "Succeeded" || phase == "Completed";
}

std::unique_ptr<CachedPod> MakeCachedPod(const k8s::Pod& wire) {
  auto pod = std::make_unique<CachedPod>();
  pod->ns = wire.metadata().namespace_();
  pod->name = wire.metadata().name();
  pod->node_name = wire.spec().node_name();
  pod->labels = LabelsOf(wire.metadata());
  for (const k8s::PodIP& ip : wire.status().pod_ips()) {
    pod->ips.push_back(ip.ip());
  }
  pod->ip = wire.status().pod_ip();
  if (pod->ips.empty() && !pod->ip.empty()) pod->ips = {pod->ip};
  if (pod->ip.empty() && !pod->ips.empty()) pod->ip = pod->ips.front();
  for (const k8s::Container& container : wire.spec().containers()) {
    for (const k8s::ContainerPort& port : container.ports()) {
      pod->ports.push_back({port.name(),
                            port.protocol().empty() ? "TCP" : port.protocol(),
                            port.container_port()});
    }
  }
  pod->actionable = !pod->ip.empty() && !wire.spec().host_network() &&
                    !IsFinished(wire.status().phase());
  return pod;
}

}  // namespace

bool LooksLike(Family family, absl::string_view text) {
  return absl::StrContains(text, ':') == (family == Family::kIPv6);
}

absl::string_view CachedPod::IpOf(Family family) const {
  for (const std::string& candidate : ips) {
    if (LooksLike(family, candidate)) return candidate;
  }
  return "";
}

void ObjectCache::Apply(const v1::WatchEvent& event) {
  if (event.has_pod()) {
    ApplyPod(event.type(), event.pod());
  } else if (event.has_namespace_()) {
    ApplyNamespace(event.type(), event.namespace_());
  } else if (event.has_network_policy()) {
    const k8s::NetworkPolicy& wire = event.network_policy();
    const ObjectName name(wire.metadata().namespace_(), wire.metadata().name());
    if (event.type() == v1::WatchEvent::DELETE) {
      policies_.erase(name);
    } else if (!name.second.empty()) {
      policies_[name] = wire;
    }
  }
}

void ObjectCache::ApplyPod(v1::WatchEvent::Type type, const k8s::Pod& wire) {
  PodsByName& pods = pods_[wire.metadata().namespace_()];
  if (type == v1::WatchEvent::DELETE) {
    pods.erase(wire.metadata().name());
  } else if (!wire.metadata().name().empty()) {
    pods[wire.metadata().name()] = MakeCachedPod(wire);
  }
}

void ObjectCache::ApplyNamespace(v1::WatchEvent::Type type,
                                 const k8s::Namespace& wire) {
  const std::string& name = wire.metadata().name();
  if (type == v1::WatchEvent::DELETE) {
    namespaces_.erase(name);
  } else if (!name.empty()) {
    LabelMap& labels = namespaces_[name];
    labels = LabelsOf(wire.metadata());
    // The API server writes it into every namespace.
    labels.try_emplace("kubernetes.io/metadata.name", name);
  }
}

void ObjectCache::ListPods(absl::string_view ns, const WireSelector& selector,
                           std::vector<const CachedPod*>& pods) const {
  const auto found = pods_.find(ns);
  if (found == pods_.end()) return;
  for (const auto& [name, pod] : found->second) {
    if (pod->actionable && selector.Matches(pod->labels)) {
      pods.push_back(pod.get());
    }
  }
}

void ObjectCache::ListPodsOfNamespaces(
    const WireSelector& namespaces, const WireSelector& selector,
    std::vector<const CachedPod*>& pods) const {
  for (const auto& [name, labels] : namespaces_) {
    if (namespaces.Matches(labels)) ListPods(name, selector, pods);
  }
}

std::vector<const CachedPod*> ObjectCache::ListLocalPods(
    absl::string_view node) const {
  std::vector<const CachedPod*> local;
  for (const auto& [ns, labels] : namespaces_) {
    const auto found = pods_.find(ns);
    if (found == pods_.end()) continue;
    for (const auto& [name, pod] : found->second) {
      if (pod->actionable && pod->node_name == node) local.push_back(pod.get());
    }
  }
  return local;
}

}  // namespace netpol
