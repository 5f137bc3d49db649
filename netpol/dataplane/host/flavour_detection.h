// Which flavour of iptables this host's Kubernetes components use: a rule in
// the other one runs beside theirs instead of in front of them.
#ifndef NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_
#define NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"

namespace netpol {

// What was found of one flavour, over the families that were asked for.
struct FlavourTraces {
  // The kernel has it: legacy tables can be made (or are there), nf_tables
  // answers.
  bool kernel = false;
  // The programs that write it are there; legacy needs none.
  bool programs = false;
  // Chains that kubelet, kube-proxy or a network plugin made: hint and canary
  // chains (KUBE-IPTABLES-HINT, KUBE-KUBELET-CANARY, KUBE-PROXY-CANARY) and
  // others with "KUBE-" (not ours), "CNI-" or "FLANNEL-" in front.
  std::vector<std::string> hint_chains;  // KUBE-IPTABLES-HINT alone
  std::vector<std::string> component_chains;
  // Chains of kube-router or of ours.
  size_t our_chains = 0;
  // Rules of anybody in tables filter, nat and mangle.
  size_t rules = 0;
};

struct FlavourChoice {
  Flavour flavour = Flavour::kLegacy;
  // One sentence: why this one, and what else would have been possible.
  std::string reason;
  FlavourTraces traces[2];  // by Flavour

  const FlavourTraces& of(Flavour which) const {
    return traces[static_cast<int>(which)];
  }
};

// By what is found, in this order: only one flavour that works here (kernel and
// programs); hint chains of kubelet; more chains of components; more rules of
// others; chains of ours or of kube-router that are there already; what the
// host's own `iptables` says it is; nft. Changes nothing, and does not make the
// kernel create a legacy table that is not there. Looks at the network
// namespace of the calling thread; blocks for the kernel, and for `iptables
// --version`.
FlavourChoice DetectFlavour(const std::vector<Family>& families);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_
