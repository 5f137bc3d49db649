// Takes out of an object's bytes what nobody here reads.
#ifndef NETPOL_WATCH_KUBE_OBJECT_FILTER_H_
#define NETPOL_WATCH_KUBE_OBJECT_FILTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The encoding of an object of `kind` with only the fields that the controller
// reads. It is done on the bytes because the parser keeps a copy of every field
// that it does not know, which for a pod is nearly all. The spec of a policy
// stays whole, for CloseWidenedParts (widened_parts.h). InvalidArgument if
// `bytes` is no protobuf message.
absl::StatusOr<std::string> FilterObject(v1::WatchEvent::Kind kind,
                                         absl::string_view bytes);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_OBJECT_FILTER_H_
