// The node of random clusters.
#ifndef NETPOL_TESTING_RANDOM_NODE_H_
#define NETPOL_TESTING_RANDOM_NODE_H_

#include <vector>

#include "netpol/base/ip.h"
#include "netpol/testing/random_options.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {

// All of `pairs` that are there, in order.
std::vector<IpAddress> AddressesIn(const std::vector<AddressPair>& pairs);

// The node of `options`, without a default deny.
NodeView ViewOf(const RandomClusterOptions& options);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_NODE_H_
