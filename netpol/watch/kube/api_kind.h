// The names that the API has for the kinds of objects followed here.
#ifndef NETPOL_WATCH_KUBE_API_KIND_H_
#define NETPOL_WATCH_KUBE_API_KIND_H_

#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct ApiKind {
  v1::WatchEvent::Kind kind = v1::WatchEvent::KIND_UNSPECIFIED;
  absl::string_view name;  // "Pod"; of a list "PodList".
  absl::string_view api_version;
  bool namespaced = false;
};

// `kind` must not be KIND_UNSPECIFIED.
const ApiKind& ApiKindOf(v1::WatchEvent::Kind kind);

// Null if no such kind is followed.
const ApiKind* FindApiKind(absl::string_view api_version,
                           absl::string_view name);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_API_KIND_H_
