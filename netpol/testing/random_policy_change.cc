#include "netpol/testing/random_policy_change.h"

#include "google/protobuf/repeated_ptr_field.h"
#include "netpol/testing/random_policy.h"

namespace netpol {
namespace {

using google::protobuf::RepeatedPtrField;

template <typename Element>
int PickIndex(Random& random, const RepeatedPtrField<Element>& list) {
  return static_cast<int>(random.Below(static_cast<uint64_t>(list.size())));
}

// One element leaves, comes a second time, or moves to the end.
template <typename Element>
void Rearrange(Random& random, RepeatedPtrField<Element>& list) {
  if (list.empty()) return;
  const int index = PickIndex(random, list);
  const int draw = random.Between(0, 3);
  const Element element = list.Get(index);
  if (draw == 0) {
    *list.Add() = element;
  } else {
    list.DeleteSubrange(index, 1);
    if (draw == 1) *list.Add() = element;
  }
}

// A rule of `donor`, if it has any, joins or replaces one; or one of the lists
// of a rule is taken from it.
template <typename Rule, typename PeersOf>
void ChangeRules(Random& random, const RepeatedPtrField<Rule>& donor,
                 const PeersOf& peers_of, RepeatedPtrField<Rule>& rules) {
  const int draw = random.Between(0, 3);
  if (draw == 0 || rules.empty()) {
    if (!donor.empty()) *rules.Add() = donor.Get(0);
    return;
  }
  Rule& rule = *rules.Mutable(PickIndex(random, rules));
  switch (draw) {
    case 1:
      if (!donor.empty()) *rule.mutable_ports() = donor.Get(0).ports();
      break;
    case 2:
      if (!donor.empty()) {
        Rule other = donor.Get(0);
        *peers_of(rule) = *peers_of(other);
      }
      break;
    default:
      if (random.Chance(50)) {
        Rearrange(random, *rule.mutable_ports());
      } else {
        Rearrange(random, *peers_of(rule));
      }
  }
}

}  // namespace

k8s::NetworkPolicy ChangedPolicy(Random& random,
                                 const RandomClusterOptions& options,
                                 const k8s::NetworkPolicy& old) {
  const k8s::NetworkPolicy other = RandomPolicy(
      random, options, old.metadata().namespace_(), old.metadata().name());
  k8s::NetworkPolicy policy = old;
  k8s::NetworkPolicySpec& spec = *policy.mutable_spec();
  const bool ingress = random.Chance(50);
  switch (random.Between(0, 8)) {
    case 0:
    case 1:
      return other;
    case 2:
      spec.clear_pod_selector();
      if (other.spec().has_pod_selector()) {
        *spec.mutable_pod_selector() = other.spec().pod_selector();
      }
      break;
    case 3:
      *spec.mutable_policy_types() = other.spec().policy_types();
      break;
    case 4:
      if (ingress) {
        Rearrange(random, *spec.mutable_ingress());
      } else {
        Rearrange(random, *spec.mutable_egress());
      }
      break;
    case 5:
    case 6:
    case 7:
      if (ingress) {
        ChangeRules(
            random, other.spec().ingress(),
            [](auto& rule) { return rule.mutable_from(); },
            *spec.mutable_ingress());
      } else {
        ChangeRules(
            random, other.spec().egress(),
            [](auto& rule) { return rule.mutable_to(); },
            *spec.mutable_egress());
      }
      break;
    default:  // Told again.
      break;
  }
  return policy;
}

}  // namespace netpol
