// Random packets at the places where verdicts change.
#ifndef NETPOL_TESTING_RANDOM_PACKETS_H_
#define NETPOL_TESTING_RANDOM_PACKETS_H_

#include <vector>

#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"

namespace netpol {

// `count` TCP, UDP and SCTP packets between pods, outside, the node and, if the
// options say so, the edges of the policies' blocks. Nine of ten have an end in
// options.local_pods. Ports are those of policies and pods, and their
// neighbours. Both ends are of one family; now and then they are one address.
std::vector<Packet> RandomPackets(Random& random, const Cluster& cluster,
                                  const RandomClusterOptions& options,
                                  int count);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_PACKETS_H_
