// What kube-router leaves in a node's kernel, for us to take over.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_LAYOUT_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// Releases that differ in their rules.
enum class KubeRouterRelease : uint8_t {
  kV2_6,   // long comments, no chain KUBE-NWPLCY-TAIL, SCTP as any other
  kV2_8,   // node ports of SCTP are exempted
  kV2_10,  // KUBE-NWPLCY-TAIL, and its default deny
  kV2_11,  // short comments
};

struct KubeRouterOptions {
  std::string node;
  KubeRouterRelease release = KubeRouterRelease::kV2_11;
  // In the names of chains: when the sync began.
  std::string stamp = "1700000000000000000";
  // Of both families, as the next three.
  std::vector<std::string> cluster_ip_ranges = {"10.43.0.0/16",
                                                "fd00:43::/112"};
  std::vector<std::string> external_ip_ranges;
  std::vector<std::string> load_balancer_ip_ranges;
  // For its default deny, which is off without them.
  std::vector<std::string> pod_cidrs;
};

// What was found in a kernel, as text.
struct KubeRouterText {
  // For iptables-restore and ip6tables-restore, by Family. Beside the rules of
  // others: jumps are inserted.
  std::string tables[2];
  std::string sets;  // for `ipset restore -exist`
};

KubeRouterText KubeRouterLayout(const Cluster& cluster,
                                const KubeRouterOptions& options);

// Puts it into the kernel of `ns`, sets first, with the programs of `flavour`.
// Rules of others stay.
absl::Status Lay(const KubeRouterText& text, Flavour flavour, const NetNs& ns);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_LAYOUT_H_
