// Random clusters over the addresses of a packet lab.
#ifndef NETPOL_TESTS_KERNEL_LAB_LAB_CLUSTER_OPTIONS_H_
#define NETPOL_TESTS_KERNEL_LAB_LAB_CLUSTER_OPTIONS_H_

#include "netpol/testing/random_options.h"

namespace netpol {

// Sixteen local pods, which makes trees of dispatch chains; the node has the
// addresses that a lab gives it, and packets come only from where the lab can
// send them.
RandomClusterOptions LabClusterOptions();

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LAB_CLUSTER_OPTIONS_H_
