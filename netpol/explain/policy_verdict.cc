#include "netpol/explain/policy_verdict.h"

#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

bool InAny(const std::vector<IpPrefix>& ranges, const IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const IpPrefix& range) {
    return range.Contains(address);
  });
}

// One side, from what nobody may refuse to what the policies say.
class SideJudge {
 public:
  SideJudge(const ClusterState& state, const LayoutOptions& layout,
            Direction direction, const PathQuestion& question)
      : state_(state), layout_(layout), question_(question) {
    side_.direction = direction;
  }

  SideVerdict Judge() && {
    const bool ingress = side_.direction == Direction::kIngress;
    const IpAddress& address =
        ingress ? question_.destination : question_.source;
    // The node's own address is no pod's, whatever a pod claims.
    const bool is_node =
        ingress ? question_.destination_is_node : question_.source_is_node;
    const Pod* pod = is_node ? nullptr : state_.OwnerOf(address);
    if (pod != nullptr) {
      side_.pod = pod->key;
      side_.enforced_here = state_.IsLocal(*pod);
      TellOwners(address, *pod);
    }
    const absl::optional<SideCause> always = CauseThatNothingRefuses(pod);
    if (!is_node && IsUnknownHere(address)) {
      JudgeUnknownPod();
    } else if (always) {
      side_.cause = *always;
      side_.allowed = PortSet::All();
    } else {
      JudgeByPolicies(*pod);
    }
    return std::move(side_);
  }

 private:
  void TellOwners(const IpAddress& address, const Pod& subject) {
    std::vector<std::string> others;
    for (const Pod* pod : state_.OwnersOf(address)) {
      if (pod != &subject) others.push_back(pod->key.ToString());
    }
    if (others.empty()) return;
    std::sort(others.begin(), others.end());
    side_.notes.push_back(
        absl::StrCat(address.ToString(), " is also the address of ",
                     absl::StrJoin(others, ", "), "; the policies of ",
                     subject.key.ToString(), " apply"));
  }

  absl::optional<SideCause> CauseThatNothingRefuses(const Pod* pod) const {
    if (!Enforced(question_.source.family))
      return SideCause::kFamilyNotEnforced;
    if (pod == nullptr) return SideCause::kNotAPod;
    if (question_.source == question_.destination) return SideCause::kItself;
    if (side_.direction == Direction::kIngress) {
      if (question_.source_is_node && side_.enforced_here)
        return SideCause::kOwnNode;
    } else if (Answers(ServicePorts(), question_)) {
      return SideCause::kServiceAddress;
    }
    if (IcmpPasses()) return SideCause::kIcmpPasses;
    return absl::nullopt;
  }

  // Whether the default deny is about `address`, which is not the node's own.
  bool IsUnknownHere(const IpAddress& address) const {
    const Node* node = state_.own_node();
    return layout_.default_deny && Enforced(address.family) &&
           node != nullptr && InAny(node->pod_cidrs, address) &&
           state_.LocalOwner(address) == nullptr;
  }

  // The node probes new pods; and what a known pod's own look at a packet
  // accepts, nobody looks at again.
  void JudgeUnknownPod() {
    const bool ingress = side_.direction == Direction::kIngress;
    const bool node_at_other_end =
        ingress ? question_.source_is_node : question_.destination_is_node;
    const IpAddress& other = ingress ? question_.source : question_.destination;
    side_.enforced_here = true;
    side_.cause = SideCause::kUnknownPod;
    if (ingress && node_at_other_end) {
      side_.cause = SideCause::kOwnNode;
    } else if (IcmpPasses() && !node_at_other_end &&
               state_.LocalOwner(other) != nullptr) {
      side_.cause = SideCause::kIcmpPasses;
    }
    if (side_.cause != SideCause::kUnknownPod) side_.allowed = PortSet::All();
  }

  bool Enforced(Family family) const {
    return std::find(layout_.families.begin(), layout_.families.end(),
                     family) != layout_.families.end();
  }
  bool IcmpPasses() const {
    return question_.is_icmp() && layout_.icmp == IcmpMode::kKubeRouter;
  }

  // Ports of the destination that are this node's services': a service proxy
  // is going to send the packet on.
  PortSet ServicePorts() const {
    if (!question_.destination_is_node || !side_.enforced_here)
      return PortSet();
    if (InServiceRange(layout_, question_.destination)) return PortSet::All();
    return question_.is_icmp() ? PortSet() : PortSet({layout_.node_ports});
  }

  void JudgeByPolicies(const Pod& pod) {
    const bool ingress = side_.direction == Direction::kIngress;
    PortSet by_rules;
    for (const NetworkPolicy* policy : state_.PoliciesSelecting(pod)) {
      if (!(ingress ? policy->isolates_ingress : policy->isolates_egress))
        continue;
      PolicyFinding finding{policy->key, {}, policy->problems};
      for (const PolicyRule& rule :
           ingress ? policy->ingress : policy->egress) {
        finding.rules.push_back(
            FindInRule(state_, rule, static_cast<int>(finding.rules.size()),
                       side_.direction, pod, question_));
        by_rules = by_rules | finding.rules.back().allowed();
      }
      side_.policies.push_back(std::move(finding));
    }
    if (side_.policies.empty()) {
      side_.cause = SideCause::kNotIsolated;
      side_.allowed = PortSet::All();
      return;
    }
    side_.allowed = ingress ? by_rules : by_rules | ServicePorts();
    side_.cause = Answers(side_.allowed, question_) ? SideCause::kAllowedByRule
                                                    : SideCause::kNoRuleMatches;
  }

  const ClusterState& state_;
  const LayoutOptions& layout_;
  const PathQuestion& question_;
  SideVerdict side_;
};

}  // namespace

PortSet PathVerdict::allowed_here() const {
  PortSet allowed = PortSet::All();
  if (egress.enforced_here) allowed = allowed & egress.allowed;
  if (ingress.enforced_here) allowed = allowed & ingress.allowed;
  return allowed;
}

bool Answers(const PortSet& allowed, const PathQuestion& question) {
  return question.port ? allowed.Contains(*question.port) : allowed.all();
}

bool InServiceRange(const LayoutOptions& layout, const IpAddress& address) {
  return InAny(layout.cluster_ip_ranges, address) ||
         InAny(layout.external_ip_ranges, address) ||
         InAny(layout.load_balancer_ip_ranges, address);
}

PathVerdict JudgePath(const ClusterState& state, const LayoutOptions& layout,
                      const PathQuestion& question) {
  return PathVerdict{
      SideJudge(state, layout, Direction::kEgress, question).Judge(),
      SideJudge(state, layout, Direction::kIngress, question).Judge()};
}

}  // namespace netpol
