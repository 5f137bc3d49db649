// The rules of kube-router's layout as `iptables-restore` reads them: one chain
// for each policy, one for each local pod, and the jumps to the latter.
#ifndef NETPOL_BENCH_YARDSTICK_CHAIN_TEXT_H_
#define NETPOL_BENCH_YARDSTICK_CHAIN_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/yardstick/policy_model.h"
#include "bench/yardstick/set_restore.h"
#include "netpol/base/ip.h"

namespace netpol {

// Appends the chain of `policy`, its declaration first, and puts the sets that
// it names into `sets`. Returns the name of the chain.
std::string AppendPolicyChain(const PolicyModel& policy, Family family,
                              absl::string_view version, SetRestore& sets,
                              std::string& text);

// A policy and its chain.
struct PolicyAndChain {
  const PolicyModel* policy;
  std::string chain;
};

// Appends the chain of `pod` and the jumps to it, each address match twice (for
// bridged packets too). Returns the name of the chain; empty, and nothing
// appended, if the pod has no address of the family.
std::string AppendPodChain(const CachedPod& pod,
                           const std::vector<PolicyAndChain>& policies,
                           Family family, absl::string_view version,
                           std::string& text);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_CHAIN_TEXT_H_
