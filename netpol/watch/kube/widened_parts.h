// Policies that say something newer than this program.
#ifndef NETPOL_WATCH_KUBE_WIDENED_PARTS_H_
#define NETPOL_WATCH_KUBE_WIDENED_PARTS_H_

#include "absl/status/status.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// An unknown field is no matter by itself, but a part of which nothing but
// unknown fields is left would allow everything in place of what they meant to
// narrow. Such a rule is taken out, such a port gets the protocol "INVALID",
// and a peer with such a selector becomes an empty peer, which matches nothing.
// Unknown fields are as the parser keeps them, and stay. InvalidArgument if the
// policy's own podSelector is such a part: then it cannot be known whom it
// selects.
absl::Status CloseWidenedParts(k8s::NetworkPolicySpec* spec);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_WIDENED_PARTS_H_
