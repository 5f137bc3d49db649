#include "netpol/state/shared_parts.h"

#include <vector>

namespace netpol {

void SharedParts::Share(Pod& pod) {
  pod.labels.ShareIn(labels_);
  pod.node_name = node_names_.Share(pod.node_name);
  pod.ports = ports_.Share(pod.ports);
  pod.host_addresses = host_addresses_.Share(pod.host_addresses);
}

void SharedParts::Share(NetworkPolicy& policy) {
  policy.subject.ShareIn(selectors_);
  for (std::vector<PolicyRule>* rules : {&policy.ingress, &policy.egress}) {
    for (PolicyRule& rule : *rules) {
      for (PodTerm& term : rule.pods) {
        term.namespaces.ShareIn(selectors_);
        term.pods.ShareIn(selectors_);
      }
    }
  }
}

}  // namespace netpol
