// What the bytes of any object say about its identity.
#ifndef NETPOL_WATCH_KUBE_OBJECT_METADATA_H_
#define NETPOL_WATCH_KUBE_OBJECT_METADATA_H_

#include "absl/strings/string_view.h"

namespace netpol {

// Views into the object's bytes; empty for what is not there.
struct ObjectMetadata {
  absl::string_view name;
  absl::string_view space;  // metadata.namespace
  absl::string_view resource_version;
  // The annotation k8s.io/initial-events-end is "true".
  bool initial_events_end = false;
};

// Looks at the metadata of an object in protobuf, without envelope. Of broken
// bytes it gives what comes before the fault.
ObjectMetadata ReadObjectMetadata(absl::string_view object);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_OBJECT_METADATA_H_
