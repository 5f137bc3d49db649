// What kube-router's nftables mode (v2.11) leaves in a node's kernel: tables of
// its own, beside those that iptables knows.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_NFT_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_NFT_H_

#include <string>

#include "absl/status/status.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/take_over/kube_router_layout.h"

namespace netpol {

// For `nft -f`. The release and the ranges of services that are not the
// cluster's are not looked at.
std::string KubeRouterNft(const Cluster& cluster,
                          const KubeRouterOptions& options);

// Puts it into the kernel of `ns`.
absl::Status LayNft(const std::string& text, const NetNs& ns);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_KUBE_ROUTER_NFT_H_
