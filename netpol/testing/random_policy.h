// Random network policies.
#ifndef NETPOL_TESTING_RANDOM_POLICY_H_
#define NETPOL_TESTING_RANDOM_POLICY_H_

#include "absl/strings/string_view.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// A policy with any of what the API can say, over the words of random_objects.h
// and the addresses of `options`.
k8s::NetworkPolicy RandomPolicy(Random& random,
                                const RandomClusterOptions& options,
                                absl::string_view ns, absl::string_view name);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_POLICY_H_
