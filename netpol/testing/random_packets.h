// Random packets at the places where verdicts change.
#ifndef NETPOL_TESTING_RANDOM_PACKETS_H_
#define NETPOL_TESTING_RANDOM_PACKETS_H_

#include <cstdint>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Where to look closer; may be empty.
struct PacketFocus {
  std::vector<IpAddress> addresses;
  std::vector<int64_t> ports;
};

// The addresses and ports of the pods that `events` are about, before and after
// them, of the pods in the namespaces of their policies, and the ports of those
// policies.
PacketFocus FocusOn(const std::vector<v1::WatchEvent>& events,
                    const Cluster& before, const Cluster& after);

// `count` TCP, UDP and SCTP packets between pods, outside, the node and, if the
// options say so, the edges of the policies' blocks. Nine of ten have an end in
// options.local_pods. Ports are those of policies and pods, and their
// neighbours. Both ends are of one family; now and then they are one address.
// An end in three of five and two ports in five are of `focus`, if it has any.
std::vector<Packet> RandomPackets(Random& random, const Cluster& cluster,
                                  const RandomClusterOptions& options,
                                  int count,
                                  const PacketFocus& focus = PacketFocus());

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_PACKETS_H_
