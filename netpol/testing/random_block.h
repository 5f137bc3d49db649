// Random ipBlocks that cut through the pools of addresses.
#ifndef NETPOL_TESTING_RANDOM_BLOCK_H_
#define NETPOL_TESTING_RANDOM_BLOCK_H_

#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// A block of either family, of any length from everything to one address, now
// and then written with host bits, with excepts inside, outside, nested, twice.
k8s::IPBlock RandomBlock(Random& random, const RandomClusterOptions& options);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_BLOCK_H_
