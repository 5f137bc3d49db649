// Which flavour to take, by what was found of both.
#ifndef NETPOL_DATAPLANE_HOST_FLAVOUR_CHOICE_H_
#define NETPOL_DATAPLANE_HOST_FLAVOUR_CHOICE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "netpol/dataplane/flavour.h"

namespace netpol {

// What was found of one flavour in tables filter, nat and mangle, over the
// families that were asked for.
struct FlavourTraces {
  // The kernel has it for one of the families: ip_tables is there, nf_tables
  // and nft_compat answer.
  bool kernel = false;
  // The programs that write it are there; legacy needs none.
  bool programs = false;
  // What keeps it from working here, in words; empty if nothing does.
  std::string obstacle;
  // Chains that kubelet makes so that its flavour can be told:
  // KUBE-IPTABLES-HINT, and KUBE-KUBELET-CANARY of older ones.
  std::vector<std::string> hint_chains;
  // All that kubelet, kube-proxy or a network plugin made, the former included:
  // "KUBE-" (not ours), "CNI-", "FLANNEL-" and the like in front. A name that
  // several tables have stands here as many times.
  std::vector<std::string> component_chains;
  // Chains of kube-router or of ours.
  size_t our_chains = 0;
  // Of anybody else, outside our chains and not leading there.
  size_t rules = 0;

  bool works() const { return kernel && programs; }
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

// The first of these that tells the two apart: only one works here; only one
// has hint chains of kubelet; more chains of components; more rules of others;
// more chains of ours or of kube-router; what `ask_program` says the host's
// `iptables` is, which nothing else asks; nft.
//
// Hint chains in both are no hint: the host was switched and not restarted.
// Rules of others come before ours, since ours follow theirs and not the other
// way round.
FlavourChoice ChooseFlavour(
    FlavourTraces legacy, FlavourTraces nft,
    const std::function<absl::optional<Flavour>()>& ask_program);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_FLAVOUR_CHOICE_H_
