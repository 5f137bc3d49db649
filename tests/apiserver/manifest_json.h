// Manifests and API objects as the JSON that an API server takes.
#ifndef NETPOL_TESTS_APISERVER_MANIFEST_JSON_H_
#define NETPOL_TESTS_APISERVER_MANIFEST_JSON_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// Every document of a YAML or JSON manifest, in its order. InvalidArgument,
// with line and column, if one cannot be read.
absl::StatusOr<std::vector<nlohmann::json>> JsonOfManifest(
    absl::string_view text);

// With apiVersion and kind, as it would stand in a manifest. A pod gets what a
// server demands: a container, and names for those that have none.
nlohmann::json JsonOf(const k8s::Namespace& ns);
nlohmann::json JsonOf(const k8s::Node& node);
nlohmann::json JsonOf(const k8s::Pod& pod);
nlohmann::json JsonOf(const k8s::NetworkPolicy& policy);

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_MANIFEST_JSON_H_
