// What kinds of objects are called.
#ifndef NETPOL_ENFORCER_KIND_NAME_H_
#define NETPOL_ENFORCER_KIND_NAME_H_

#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// "NetworkPolicy", as Kubernetes writes it; "unknown" for none.
absl::string_view KindName(v1::WatchEvent::Kind kind);

// "network policies", in a sentence.
absl::string_view KindInWords(v1::WatchEvent::Kind kind);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_KIND_NAME_H_
