#include "netpol/enforcer/kind_name.h"

namespace netpol {

absl::string_view KindName(v1::WatchEvent::Kind kind) {
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      return "Namespace";
    case v1::WatchEvent::POD:
      return "Pod";
    case v1::WatchEvent::NODE:
      return "Node";
    case v1::WatchEvent::NETWORK_POLICY:
      return "NetworkPolicy";
    case v1::WatchEvent::KIND_UNSPECIFIED:
      break;
  }
  return "unknown";
}

absl::string_view KindInWords(v1::WatchEvent::Kind kind) {
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      return "namespaces";
    case v1::WatchEvent::POD:
      return "pods";
    case v1::WatchEvent::NODE:
      return "nodes";
    case v1::WatchEvent::NETWORK_POLICY:
      return "network policies";
    case v1::WatchEvent::KIND_UNSPECIFIED:
      break;
  }
  return "objects";
}

}  // namespace netpol
