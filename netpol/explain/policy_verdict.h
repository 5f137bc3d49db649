// What the policies say about one connection, and why.
#ifndef NETPOL_EXPLAIN_POLICY_VERDICT_H_
#define NETPOL_EXPLAIN_POLICY_VERDICT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/path_question.h"
#include "netpol/explain/port_set.h"
#include "netpol/explain/rule_finding.h"
#include "netpol/policy/object_key.h"
#include "netpol/state/cluster_state.h"

namespace netpol {

// Why a side is as it is.
enum class SideCause : uint8_t {
  kNotAPod,  // no pod that policies see has the address
  kFamilyNotEnforced,
  kItself,          // a pod always reaches itself
  kOwnNode,         // this node always reaches its pods
  kServiceAddress,  // to this node's own service address or node port
  kIcmpPasses,      // IcmpMode::kKubeRouter
  kNotIsolated,     // no policy selects the pod in this direction
  kAllowedByRule,
  kNoRuleMatches,
  // LayoutOptions::default_deny: in this node's pod CIDRs, and no pod's here.
  kUnknownPod,
};

// A policy that isolates the pod in the direction that is judged.
struct PolicyFinding {
  ObjectKey policy;
  std::vector<RuleFinding> rules;     // in the order of the spec
  std::vector<std::string> problems;  // what of it is not understood
};

// Egress of the sender, or ingress of the receiver.
struct SideVerdict {
  Direction direction = Direction::kIngress;
  absl::optional<ObjectKey> pod;  // whose policies judge
  // The pod is of this node, or should be: its kernel is to say the same.
  bool enforced_here = false;
  SideCause cause = SideCause::kNotAPod;
  // Of the asked protocol, whatever port was asked for.
  PortSet allowed;
  std::vector<PolicyFinding> policies;  // by key
  std::vector<std::string> notes;
};

// The whole way. The other node's side is judged as that node would with the
// same options.
struct PathVerdict {
  SideVerdict egress;
  SideVerdict ingress;

  PortSet allowed() const { return egress.allowed & ingress.allowed; }
  // What the kernel of this node is to let through.
  PortSet allowed_here() const;
};

// Whether `allowed` is yes to the question: its port, or every port.
bool Answers(const PortSet& allowed, const PathQuestion& question);

// In a range of `layout` for service addresses, of any kind.
bool InServiceRange(const LayoutOptions& layout, const IpAddress& address);

// A rule is a cause only if the asked port, or a port at all, is open by it.
PathVerdict JudgePath(const ClusterState& state, const LayoutOptions& layout,
                      const PathQuestion& question);

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_POLICY_VERDICT_H_
