#include "tests/cases/case_lab.h"

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

absl::StatusOr<std::vector<IpAddress>> AddressesOf(const k8s::Pod& pod) {
  std::vector<IpAddress> addresses;
  for (const k8s::PodIP& ip : pod.status().pod_ips()) {
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(ip.ip()));
    addresses.push_back(address);
  }
  if (addresses.empty() && pod.status().has_pod_ip()) {
    ASSIGN_OR_RETURN(const IpAddress address,
                     IpAddress::Parse(pod.status().pod_ip()));
    addresses.push_back(address);
  }
  return addresses;
}

bool HasPlaceOnNode(const k8s::Pod& pod) {
  const std::string& phase = pod.status().phase();
  return pod.spec().node_name() == kCaseNode && !pod.spec().host_network() &&
         phase != "Succeeded" && phase != "Failed";
}

// The addresses of each pod on the node that no pod before it has.
absl::StatusOr<absl::btree_set<std::vector<IpAddress>>> PlacesOnNode(
    const Cluster& cluster) {
  absl::btree_set<IpAddress> taken;
  absl::btree_set<std::vector<IpAddress>> places;
  for (const k8s::Pod& pod : cluster.pods) {
    if (!HasPlaceOnNode(pod)) continue;
    ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses, AddressesOf(pod));
    std::vector<IpAddress> place;
    for (const IpAddress& address : addresses) {
      if (taken.insert(address).second) place.push_back(address);
    }
    if (!place.empty()) places.insert(std::move(place));
  }
  return places;
}

}  // namespace

NodeView ViewOfCaseNode() {
  NodeView view;
  view.name = kCaseNode;
  // As the lab gives them to the node: uplink, bridge and tunnel.
  for (const char* text :
       {"172.31.0.1", "fd00:31::1", "10.42.0.1", "fd00:42::1", "10.42.0.0"}) {
    view.addresses.push_back(*IpAddress::Parse(text));
  }
  return view;
}

absl::StatusOr<IpAddress> AddressOf(const Cluster& cluster,
                                    const std::string& end) {
  if (end.find('/') == std::string::npos) return IpAddress::Parse(end);
  for (const k8s::Pod& pod : cluster.pods) {
    if (absl::StrCat(pod.metadata().namespace_(), "/", pod.metadata().name()) !=
        end) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses, AddressesOf(pod));
    if (!addresses.empty()) return addresses.front();
  }
  return absl::NotFoundError(
      absl::StrCat("looking for pod ", end, ": none with an address"));
}

absl::StatusOr<std::unique_ptr<CaseLab>> CaseLab::Create() {
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create());
  return std::unique_ptr<CaseLab>(new CaseLab(std::move(lab)));
}

absl::Status CaseLab::Follow(const Cluster& cluster,
                             absl::Span<const Packet> packets) {
  RETURN_IF_ERROR(FollowPods(cluster));
  for (const Packet& packet : packets) {
    for (const IpAddress& address : {packet.source, packet.destination}) {
      if (lab_->OwnerOf(address) != nullptr) continue;
      RETURN_IF_ERROR(lab_->AddRemote(absl::MakeConstSpan(&address, 1)));
    }
  }
  return absl::OkStatus();
}

absl::Status CaseLab::FollowPods(const Cluster& cluster) {
  ASSIGN_OR_RETURN(const auto places, PlacesOnNode(cluster));
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    if (places.contains(pod->first)) {
      ++pod;
      continue;
    }
    RETURN_IF_ERROR(lab_->DelPod(pod->second));
    pod = pods_.erase(pod);
  }
  for (const std::vector<IpAddress>& place : places) {
    if (pods_.contains(place)) continue;
    const std::string name = absl::StrCat("pod-", next_pod_++);
    RETURN_IF_ERROR(lab_->AddPod(name, place));
    pods_[place] = name;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ProbeOutcome>> CaseLab::Probe(
    absl::Span<const Packet> packets) {
  std::vector<ProbeSpec> specs;
  for (const Packet& packet : packets) {
    specs.push_back({packet.source, packet.destination, packet.protocol,
                     packet.destination_port});
  }
  return lab_->Probe(specs);
}

}  // namespace netpol
