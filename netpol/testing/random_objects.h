// Random namespaces, pods and nodes.
#ifndef NETPOL_TESTING_RANDOM_OBJECTS_H_
#define NETPOL_TESTING_RANDOM_OBJECTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/k8s/core.pb.h"

namespace netpol {

// The words that labels and ports are made of; few, so that selectors hit.
const std::vector<std::string>& RandomPodLabelKeys();
const std::vector<std::string>& RandomNamespaceLabelKeys();
const std::vector<std::string>& RandomLabelValues();
const std::vector<std::string>& RandomPortNames();
const std::vector<int>& RandomPortNumbers();

// A name among the first `max_namespaces` of the alphabet, at most 5.
std::string RandomNamespaceName(Random& random,
                                const RandomClusterOptions& options);

// Labels over `keys`, each there or not.
LabelList RandomLabels(Random& random, const std::vector<std::string>& keys);

// Sometimes without kubernetes.io/metadata.name.
k8s::Namespace RandomNamespace(Random& random, absl::string_view name);

// A running pod of `node` with the addresses of `pair`, or one of them; labels,
// ports and age are random.
k8s::Pod RandomPod(Random& random, absl::string_view ns, absl::string_view name,
                   absl::string_view node, const AddressPair& pair);

// A pod that does not count: on the host network, finished, or without address.
k8s::Pod RandomIdlePod(Random& random, const RandomClusterOptions& options,
                       absl::string_view ns, absl::string_view name);

// `name` is options.node or options.remote_node. Sometimes without addresses or
// pod CIDRs; the addresses are those that the options give that node, or some.
k8s::Node RandomNode(Random& random, const RandomClusterOptions& options,
                     const std::string& name);

// Adds to a pod what no API server lets through: an address that cannot be
// read, an address twice, a container port out of range.
void SpoilPod(Random& random, k8s::Pod& pod);

// Replace one side of a pod.
void RandomizeLabels(Random& random, k8s::Pod& pod);
void RandomizePorts(Random& random, k8s::Pod& pod);
void SetAddresses(const AddressPair& pair, k8s::Pod& pod);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_OBJECTS_H_
