// API objects as manifest files, for the product's own reader and for anybody
// else's.
#ifndef NETPOL_TESTING_MANIFEST_WRITER_H_
#define NETPOL_TESTING_MANIFEST_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "netpol/testing/cluster.h"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// One YAML document, with "---" before it: apiVersion, kind, and what is set in
// the object, nothing more and nothing less, but for what an API server demands
// of a pod and nobody here reads (the image of a container). Maps are written
// in the order of their keys.
std::string ManifestOf(const k8s::Namespace& ns);
std::string ManifestOf(const k8s::Node& node);
std::string ManifestOf(const k8s::Pod& pod);
std::string ManifestOf(const k8s::NetworkPolicy& policy);

// Writes `cluster` to files in `folder`, which is made if it is not there:
// namespaces.yaml, nodes.yaml, and of each namespace NAME
// networkpolicies-NAME.yaml and pods-NAME.yaml, as far as there is something to
// write. `kubectl apply -f` takes them in the order of the files' names, but
// leaves out `status`, which has the addresses: an API server wants it by
// `--server-side --subresource=status` in a second turn.
//
// FailedPrecondition if the folder has something in it already; other errors
// say which file could not be written, and leave those before it.
absl::Status WriteManifests(const Cluster& cluster, const std::string& folder);

}  // namespace netpol

#endif  // NETPOL_TESTING_MANIFEST_WRITER_H_
