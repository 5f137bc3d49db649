// One packet of the matrix and the ends it goes between.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_PROBE_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_PROBE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"

namespace netpol {

// Who sends and receives: a pod as "namespace/name", or "node" (the node under
// test, by the address of its uplink), or "outside" (nobody's).
struct MatrixEnd {
  std::string name;
  absl::optional<IpAddress> addresses[2];  // by family
  bool is_pod = false;
  bool is_local = false;  // on the node under test, or it
};

// Every pod of `cluster` that has an address and a network of its own, in the
// order of their names, then the node and outside.
std::vector<MatrixEnd> EndsOf(const Cluster& cluster);

// Ends are positions in a list of ends.
struct MatrixProbe {
  size_t from = 0;
  size_t to = 0;
  Packet packet;
};

// Ports 80 and 81 by TCP, UDP and SCTP in both families between any two ends
// whose packets cross the node: not what stays within an end, nor what goes
// between two that are elsewhere.
std::vector<MatrixProbe> ProbesBetween(const std::vector<MatrixEnd>& ends);

// "IPv6 SCTP 81".
std::string TrafficName(const Packet& packet);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_PROBE_H_
