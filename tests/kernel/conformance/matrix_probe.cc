#include "tests/kernel/conformance/matrix_probe.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/cases/case_lab.h"

namespace netpol {
namespace {

constexpr uint8_t kProtocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
constexpr uint16_t kPorts[] = {80, 81};

void AddAddress(const std::string& text, MatrixEnd& end) {
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (!address.ok()) return;
  absl::optional<IpAddress>& place =
      end.addresses[static_cast<int>(address->family)];
  if (!place.has_value()) place = *address;
}

MatrixEnd EndOf(const k8s::Pod& pod) {
  MatrixEnd end;
  end.name =
      absl::StrCat(pod.metadata().namespace_(), "/", pod.metadata().name());
  end.is_pod = true;
  end.is_local = pod.spec().node_name() == kCaseNode;
  for (const k8s::PodIP& ip : pod.status().pod_ips()) AddAddress(ip.ip(), end);
  if (pod.status().pod_ips().empty()) AddAddress(pod.status().pod_ip(), end);
  return end;
}

bool TakesPart(const k8s::Pod& pod) {
  const std::string& phase = pod.status().phase();
  const bool finished = phase == "Succeeded" || phase == "Failed";
  const bool placed =
      !pod.status().pod_ips().empty() || !pod.status().pod_ip().empty();
  return placed && !finished && !pod.spec().host_network();
}

}  // namespace

std::vector<MatrixEnd> EndsOf(const Cluster& cluster) {
  std::vector<MatrixEnd> ends;
  for (const k8s::Pod& pod : cluster.pods) {
    if (TakesPart(pod)) ends.push_back(EndOf(pod));
  }
  std::sort(
      ends.begin(), ends.end(),
      [](const MatrixEnd& a, const MatrixEnd& b) { return a.name < b.name; });
  MatrixEnd node;
  node.name = "node";
  node.is_local = true;
  AddAddress("172.31.0.1", node);
  AddAddress("fd00:31::1", node);
  ends.push_back(node);
  MatrixEnd outside;
  outside.name = "outside";
  AddAddress("192.0.2.1", outside);
  AddAddress("2001:db8::1", outside);
  ends.push_back(outside);
  return ends;
}

std::vector<MatrixProbe> ProbesBetween(const std::vector<MatrixEnd>& ends) {
  std::vector<MatrixProbe> probes;
  for (Family family : kFamilies) {
    for (uint8_t protocol : kProtocols) {
      for (uint16_t port : kPorts) {
        for (size_t from = 0; from < ends.size(); ++from) {
          for (size_t to = 0; to < ends.size(); ++to) {
            if (from == to) continue;
            if (!ends[from].is_local && !ends[to].is_local) continue;
            const auto& source = ends[from].addresses[static_cast<int>(family)];
            const auto& target = ends[to].addresses[static_cast<int>(family)];
            if (!source.has_value() || !target.has_value()) continue;
            probes.push_back({from, to, {*source, *target, protocol, port}});
          }
        }
      }
    }
  }
  return probes;
}

std::string TrafficName(const Packet& packet) {
  const char* protocol = packet.protocol == IPPROTO_TCP   ? "TCP"
                         : packet.protocol == IPPROTO_UDP ? "UDP"
                                                          : "SCTP";
  return absl::StrCat(FamilyName(packet.source.family), " ", protocol, " ",
                      packet.destination_port);
}

}  // namespace netpol
