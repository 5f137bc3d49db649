#include "netpol/watch/kube/widened_parts.h"

#include "google/protobuf/message.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/unknown_field_set.h"

namespace netpol {
namespace {

using ::google::protobuf::RepeatedPtrField;

bool HasUnknown(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

// A requirement without key is refused where selectors are read; one whose
// unknown field is its whole meaning is like that, too.
bool IsWidened(const k8s::LabelSelector& selector) {
  return HasUnknown(selector) && selector.match_labels().empty() &&
         selector.match_expressions().empty();
}

void ClosePeers(RepeatedPtrField<k8s::NetworkPolicyPeer>* peers) {
  for (k8s::NetworkPolicyPeer& peer : *peers) {
    if (IsWidened(peer.pod_selector()) ||
        IsWidened(peer.namespace_selector())) {
      peer.Clear();
    }
  }
}

void ClosePorts(RepeatedPtrField<k8s::NetworkPolicyPort>* ports) {
  for (k8s::NetworkPolicyPort& port : *ports) {
    const bool says_nothing =
        !port.has_protocol() && !port.has_port() && !port.has_end_port();
    if (says_nothing && HasUnknown(port)) port.set_protocol("INVALID");
  }
}

template <typename Rule, typename PeersOf>
void CloseRules(PeersOf peers_of, RepeatedPtrField<Rule>* rules) {
  for (int i = rules->size() - 1; i >= 0; --i) {
    Rule* rule = rules->Mutable(i);
    RepeatedPtrField<k8s::NetworkPolicyPeer>* peers = peers_of(rule);
    if (peers->empty() && rule->ports().empty() && HasUnknown(*rule)) {
      rules->DeleteSubrange(i, 1);
      continue;
    }
    ClosePeers(peers);
    ClosePorts(rule->mutable_ports());
  }
}

}  // namespace

absl::Status CloseWidenedParts(k8s::NetworkPolicySpec* spec) {
  if (IsWidened(spec->pod_selector())) {
    return absl::InvalidArgumentError(
        "spec.podSelector has only fields that are not known here; a newer "
        "release may know them");
  }
  CloseRules(
      [](k8s::NetworkPolicyIngressRule* rule) { return rule->mutable_from(); },
      spec->mutable_ingress());
  CloseRules(
      [](k8s::NetworkPolicyEgressRule* rule) { return rule->mutable_to(); },
      spec->mutable_egress());
  return absl::OkStatus();
}

}  // namespace netpol
