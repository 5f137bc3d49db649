#include "tests/kernel/steady_traffic/watched_flow.h"

#include "absl/strings/match.h"

namespace netpol {
namespace {

std::string RefusedBy(const Verdict& verdict) {
  if (verdict.allowed) return "";
  return absl::StartsWith(verdict.reason, "Egress") ? "Egress" : "Ingress";
}

}  // namespace

WatchedFlow Watch(const Cluster& cluster, const NodeView& node,
                  const Packet& packet) {
  const Verdict verdict = Evaluate(cluster, node, packet);
  return {packet, verdict.allowed, RefusedBy(verdict)};
}

bool LeavesAlone(const std::vector<v1::WatchEvent>& events,
                 const Cluster& cluster, const NodeView& node,
                 const std::vector<WatchedFlow>& flows) {
  for (uint64_t some = 1; some < uint64_t{1} << events.size(); ++some) {
    Cluster after = cluster;
    for (size_t i = 0; i < events.size(); ++i) {
      if ((some >> i & 1) != 0) ApplyEvent(events[i], after);
    }
    for (const WatchedFlow& flow : flows) {
      const WatchedFlow then = Watch(after, node, flow.packet);
      if (then.allowed != flow.allowed || then.refused_by != flow.refused_by)
        return false;
    }
  }
  return true;
}

}  // namespace netpol
