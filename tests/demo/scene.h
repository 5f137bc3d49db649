// Who may send to whom in the demo, and what the API says becomes of it.
#ifndef NETPOL_TESTS_DEMO_SCENE_H_
#define NETPOL_TESTS_DEMO_SCENE_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/prober.h"

namespace netpol {

// The name of the node that the demo builds.
inline constexpr char kDemoNode[] = "node-a";

enum class HostPlace { kNodePod, kNode, kElsewhere };

// Something with an address of each family.
struct Host {
  std::string name;  // "shop/web"
  HostPlace place = HostPlace::kElsewhere;
  IpAddress addresses[2];  // By Family.

  const IpAddress& Of(Family family) const {
    return addresses[static_cast<int>(family)];
  }
};

// A port of a host.
struct Target {
  Host host;
  std::string host_heading;  // "web"
  std::string port_heading;  // "8080"
  uint8_t protocol = 0;
  uint16_t port = 0;
};

// The cluster of the manifests with the world around it.
struct Scene {
  Cluster cluster;
  std::vector<Host> hosts;      // Everybody, targets included.
  std::vector<Host> senders;    // The table's rows.
  std::vector<Target> targets;  // Its columns.
};

// The scene of these files and folders. Whatever the reader of manifests finds
// wrong is an error here, and so is a pod without an address of each family.
absl::StatusOr<Scene> ReadScene(const std::vector<std::string>& manifests);

// From a sender to the target of this number, in one family.
struct Path {
  std::string sender;
  size_t target = 0;
  Family family = Family::kIPv4;

  friend bool operator<(const Path& a, const Path& b) {
    return std::tie(a.family, a.sender, a.target) <
           std::tie(b.family, b.sender, b.target);
  }
};

// What becomes of the first packet of a connection, for each path that crosses
// the node: only there are its verdicts to be seen.
using Verdicts = absl::btree_map<Path, ProbeOutcome>;

// As the API defines it, by the reference evaluator; `enforced` false means
// that nobody does, so that all is allowed.
Verdicts ExpectedVerdicts(const Scene& scene, bool enforced);

// The packet to send for a path of ExpectedVerdicts(scene).
ProbeSpec SpecOf(const Scene& scene, const Path& path);

// Those of `after` that `before` does not have, or has otherwise.
Verdicts Changes(const Verdicts& before, const Verdicts& after);

// One line for each path that did not meet its expected verdict, the first ten
// of them and how many more; empty if all did.
std::vector<std::string> Differences(const Scene& scene,
                                     const Verdicts& expected,
                                     const Verdicts& measured);

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_SCENE_H_
