#include "netpol/compile/compiler.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/compile/policy_rules.h"
#include "netpol/compile/policy_union.h"
#include "netpol/policy/cidr_union.h"

namespace netpol {
namespace {

bool Isolates(const NetworkPolicy& policy, Direction direction) {
  return direction == Direction::kIngress ? policy.isolates_ingress
                                          : policy.isolates_egress;
}

Rule JumpTo(const ChainName& chain, std::string comment) {
  Rule rule;
  rule.comment = std::move(comment);
  rule.action = JumpAction{chain};
  return rule;
}

// The same addresses in as few prefixes as possible, none of length 0, which
// the kernel's sets do not take.
std::vector<IpPrefix> DisjointPrefixes(const std::vector<IpPrefix>& prefixes,
                                       Family family) {
  std::vector<IpBlock> blocks;
  for (const IpPrefix& prefix : prefixes) blocks.push_back({prefix, {}});
  std::vector<IpPrefix> disjoint = UnionOfBlocks(blocks, family);
  if (disjoint.size() != 1 || disjoint.front().length > 0) return disjoint;
  const IpPrefix everything = disjoint.front();
  return {IpPrefix::Of(everything.First(), 1),
          IpPrefix::Of(everything.Last(), 1)};
}

Rule ReturnIf(std::vector<Match> matches, std::string comment) {
  Rule rule;
  rule.comment = std::move(comment);
  rule.matches = std::move(matches);
  rule.action = ReturnAction{};
  return rule;
}

}  // namespace

Compiler::Compiler(LayoutOptions options, ClusterState* state)
    : options_(std::move(options)), state_(*state), registry_(state) {}

RulesetChange Compiler::Compile(const DirtySet& dirty) {
  RulesetChange change;
  ++round_;
  EmitFixed(change);
  registry_.Apply(dirty, change);
  UpdateLocalPods(dirty, change);
  if (dirty.own_node && options_.default_deny) UpdatePodCidrs(change);
  for (const ObjectKey& pod : dirty.local_pods) UpdateSubject(pod, change);
  for (const ObjectKey& policy : dirty.policies) UpdatePolicy(policy, change);
  for (const Lane& lane : std::exchange(dirty_lanes_, {}))
    EmitDispatch(lane, change);
  CollectGarbage(change);
  registry_.Flush(change);
  return change;
}

void Compiler::EmitFixed(RulesetChange& change) {
  if (std::exchange(fixed_told_, true)) return;
  for (Family family : options_.families) {
    change.sets.push_back({LocalPodsSet(family),
                           SetType::kHashIp,
                           family,
                           SetEffect::kJudges,
                           {}});
    if (options_.default_deny) {
      change.sets.push_back({PodCidrsSet(family),
                             SetType::kHashNet,
                             family,
                             SetEffect::kRefuses,
                             {}});
    }
    for (Chain& chain : FixedChains(options_, family)) {
      change.table(family).chains.push_back(std::move(chain));
    }
    for (Direction direction : kDirections)
      dirty_lanes_.insert({direction, family});
  }
}

void Compiler::UpdateLocalPods(const DirtySet& dirty, RulesetChange& change) {
  for (const IpAddress& address : dirty.local_addresses) {
    change.members.push_back({LocalPodsSet(address.family),
                              SetMember::Address(address),
                              state_.LocalOwner(address) != nullptr});
  }
}

void Compiler::UpdatePodCidrs(RulesetChange& change) {
  absl::btree_set<IpPrefix> now;
  if (const Node* node = state_.own_node()) {
    for (Family family : options_.families) {
      for (const IpPrefix& prefix : DisjointPrefixes(node->pod_cidrs, family))
        now.insert(prefix);
    }
  }
  for (const auto& [from, to, present] :
       {std::make_tuple(&pod_cidrs_, &now, false),
        std::make_tuple(&now, &pod_cidrs_, true)}) {
    for (const IpPrefix& prefix : *from) {
      if (to->count(prefix) > 0) continue;
      change.members.push_back(
          {PodCidrsSet(prefix.family()), SetMember::Net(prefix), present});
    }
  }
  pod_cidrs_ = std::move(now);
}

// ---- subjects

void Compiler::UpdateSubject(const ObjectKey& key, RulesetChange& change) {
  const Pod* pod = state_.FindPod(key);
  if (pod != nullptr && !state_.IsLocal(*pod)) pod = nullptr;
  std::vector<const NetworkPolicy*> selecting;
  if (pod != nullptr) selecting = state_.PoliciesSelecting(*pod);
  absl::btree_map<Lane, Isolation>& lanes = isolated_[key];
  for (Direction direction : kDirections) {
    for (Family family : options_.families) {
      const Lane lane{direction, family};
      Isolation after;
      if (pod != nullptr) after = IsolationOf(*pod, selecting, lane);
      auto it = lanes.find(lane);
      const Isolation before = it == lanes.end() ? Isolation() : it->second;
      if (before == after) continue;
      Isolate(key, lane, before, after, change);
      if (after.empty()) {
        lanes.erase(lane);
      } else {
        lanes[lane] = std::move(after);
      }
    }
  }
  if (lanes.empty()) isolated_.erase(key);
}

Compiler::Isolation Compiler::IsolationOf(
    const Pod& pod, const std::vector<const NetworkPolicy*>& selecting,
    const Lane& lane) const {
  Isolation isolation;
  for (const IpAddress& address : pod.addresses) {
    if (address.family == lane.family && state_.LocalOwner(address) == &pod) {
      isolation.addresses.push_back(address);
    }
  }
  if (isolation.addresses.empty()) return isolation;
  for (const NetworkPolicy* policy : selecting) {
    if (Isolates(*policy, lane.direction))
      isolation.policies.push_back(policy->key);
  }
  if (isolation.policies.empty()) isolation.addresses.clear();
  return isolation;
}

void Compiler::Isolate(const ObjectKey& pod, const Lane& lane,
                       const Isolation& before, const Isolation& after,
                       RulesetChange& change) {
  const ChainName chain = PodChain(pod, lane.direction, lane.family);
  if (!after.empty()) {
    AcquirePolicies(after.policies, lane, change);
    change.table(lane.family)
        .chains.push_back({chain, PodChainRules(pod, lane, after)});
  } else {
    change.table(lane.family).gone_chains.push_back(chain);
  }
  if (!before.empty()) ReleasePolicies(before.policies, lane);

  if (before.addresses == after.addresses) return;
  DispatchTargets& targets = dispatch_[lane];
  for (const IpAddress& address : before.addresses) {
    // Another pod may have taken the address over in this round.
    auto it = targets.find(address);
    if (it != targets.end() && it->second.chain == chain) targets.erase(it);
  }
  const absl::string_view tag =
      lane.direction == Direction::kIngress ? "in" : "out";
  for (const IpAddress& address : after.addresses) {
    targets[address] = {chain, MakeComment(pod.ToString(), tag)};
  }
  dirty_lanes_.insert(lane);
}

std::vector<Rule> Compiler::PodChainRules(const ObjectKey& pod,
                                          const Lane& lane,
                                          const Isolation& isolation) const {
  const bool ingress = lane.direction == Direction::kIngress;
  const std::string name = pod.ToString();
  const ChainName entry = EntryChain(isolation.policies, lane);
  std::vector<Rule> rules;
  rules.push_back(JumpTo(
      entry, isolation.policies.size() == 1
                 ? MakeComment(isolation.policies.front().ToString(), "policy")
                 : MakeComment(name, "policies")));
  rules.push_back(ReturnIf({AllowedMark(options_)}, ""));
  // What no policy may refuse comes last: it is rare, and its checks cost.
  for (const IpAddress& address : isolation.addresses) {
    Rule self = ReturnIf({}, MakeComment(name, "itself"));
    (ingress ? self.source : self.destination) = IpPrefix::Host(address);
    rules.push_back(std::move(self));
  }
  // An address of the node's own is no pod's, though one may claim it.
  if (!ingress) {
    rules.push_back(
        ReturnIf({NodeAddress(lane.family, Side::kSource)}, "from local node"));
  }
  Rule log;
  log.comment = MakeComment(name, "log-drop");
  log.matches = {LimitMatch{10, 10}};
  log.action = LogAction{
      options_.log_group,
      FitText(absl::StrCat(ingress ? "refused to " : "refused from ", name),
              LogAction::kMaxPrefix)};
  rules.push_back(std::move(log));
  Rule reject;
  reject.comment = MakeComment(name, "reject");
  reject.action = RejectAction{};
  rules.push_back(std::move(reject));
  return rules;
}

ChainName Compiler::EntryChain(const std::vector<ObjectKey>& policies,
                               const Lane& lane) const {
  return policies.size() == 1
             ? PolicyChain(policies.front(), lane.direction, lane.family)
             : GroupChain(policies, lane.direction, lane.family);
}

// ---- policies

void Compiler::AcquirePolicies(const std::vector<ObjectKey>& policies,
                               const Lane& lane, RulesetChange& change) {
  // A group holds its policies once, however many pods share it.
  if (policies.size() > 1) {
    const GroupLane key{policies, lane};
    ChainState& chain = group_chains_[key];
    if (++chain.users > 1) return;
    // One that lost its last pod in this round still holds them.
    if (unused_groups_.erase(key) > 0) return;
    EmitGroupChain(key, chain, change);
    if (IsUnited(policies)) return;
  }
  for (const ObjectKey& policy : policies) {
    const PolicyLane key{policy, lane};
    ChainState& chain = policy_chains_[key];
    if (++chain.users > 1 || unused_policies_.erase(key) > 0) continue;
    EmitPolicyChain(key, chain, change);
  }
}

void Compiler::ReleasePolicies(const std::vector<ObjectKey>& policies,
                               const Lane& lane) {
  if (policies.size() > 1) {
    const GroupLane key{policies, lane};
    if (--group_chains_.at(key).users == 0) unused_groups_.insert(key);
    return;
  }
  const PolicyLane key{policies.front(), lane};
  if (--policy_chains_.at(key).users == 0) unused_policies_.insert(key);
}

void Compiler::UpdatePolicy(const ObjectKey& policy, RulesetChange& change) {
  for (Direction direction : kDirections) {
    for (Family family : options_.families) {
      auto it = policy_chains_.find({policy, {direction, family}});
      if (it != policy_chains_.end() && IsOutdated(it->second))
        EmitPolicyChain(it->first, it->second, change);
    }
  }
  // No more groups than pods of this node.
  for (auto& [key, chain] : group_chains_) {
    const std::vector<ObjectKey>& policies = key.first;
    if (IsOutdated(chain) && IsUnited(policies) &&
        std::binary_search(policies.begin(), policies.end(), policy)) {
      EmitGroupChain(key, chain, change);
    }
  }
}

std::vector<Rule> Compiler::CompileInto(ChainState& chain,
                                        const std::vector<ObjectKey>& policies,
                                        const Lane& lane) {
  std::vector<const NetworkPolicy*> found;
  for (const ObjectKey& key : policies) {
    // One that is gone or no longer isolates here loses its users in this
    // round.
    const NetworkPolicy* policy = state_.FindPolicy(key);
    if (policy != nullptr && Isolates(*policy, lane.direction))
      found.push_back(policy);
  }
  const std::vector<SourcedRule> rules =
      found.size() == 1 ? RulesOf(*found.front(), lane.direction)
                        : UnionOfRules(found, lane.direction);
  CompiledPolicy compiled =
      CompileRules(rules, lane.direction, lane.family, registry_);
  for (const SetName& set : chain.sets) registry_.Release(set);
  chain.sets = std::move(compiled.sets);
  chain.compiled_in = round_;
  return std::move(compiled.rules);
}

void Compiler::EmitPolicyChain(const PolicyLane& key, ChainState& chain,
                               RulesetChange& change) {
  const auto& [policy, lane] = key;
  change.table(lane.family)
      .chains.push_back({PolicyChain(policy, lane.direction, lane.family),
                         CompileInto(chain, {policy}, lane)});
}

void Compiler::EmitGroupChain(const GroupLane& key, ChainState& chain,
                              RulesetChange& change) {
  const auto& [policies, lane] = key;
  std::vector<Rule> rules;
  if (IsUnited(policies)) {
    rules = CompileInto(chain, policies, lane);
  } else {
    // That one allowed the packet is not asked between them: most ask in vain.
    for (const ObjectKey& policy : policies) {
      rules.push_back(JumpTo(PolicyChain(policy, lane.direction, lane.family),
                             MakeComment(policy.ToString(), "policy")));
    }
  }
  change.table(lane.family)
      .chains.push_back({GroupChain(policies, lane.direction, lane.family),
                         std::move(rules)});
}

void Compiler::EmitDispatch(const Lane& lane, RulesetChange& change) {
  absl::btree_set<ChainName> names;
  for (Chain& chain : BuildDispatchTree(lane.direction, RootChainHead(options_),
                                        dispatch_[lane])) {
    names.insert(chain.name);
    change.table(lane.family).chains.push_back(std::move(chain));
  }
  for (const ChainName& name : dispatch_chains_[lane]) {
    if (names.count(name) == 0)
      change.table(lane.family).gone_chains.push_back(name);
  }
  dispatch_chains_[lane] = std::move(names);
}

void Compiler::CollectGarbage(RulesetChange& change) {
  for (const GroupLane& key : std::exchange(unused_groups_, {})) {
    const auto& [policies, lane] = key;
    change.table(lane.family)
        .gone_chains.push_back(
            GroupChain(policies, lane.direction, lane.family));
    for (const SetName& set : group_chains_.at(key).sets)
      registry_.Release(set);
    group_chains_.erase(key);
    if (IsUnited(policies)) continue;
    for (const ObjectKey& policy : policies) ReleasePolicies({policy}, lane);
  }
  for (const PolicyLane& key : std::exchange(unused_policies_, {})) {
    const auto& [policy, lane] = key;
    ChainState& chain = policy_chains_.at(key);
    for (const SetName& set : chain.sets) registry_.Release(set);
    policy_chains_.erase(key);
    change.table(lane.family)
        .gone_chains.push_back(
            PolicyChain(policy, lane.direction, lane.family));
  }
}

}  // namespace netpol
