// What random clusters are made from.
#ifndef NETPOL_TESTING_RANDOM_OPTIONS_H_
#define NETPOL_TESTING_RANDOM_OPTIONS_H_

#include <string>
#include <vector>

namespace netpol {

// The addresses of one pod; an empty one is a family that it lacks.
struct AddressPair {
  std::string v4;
  std::string v6;
};

// The defaults suit tests that only compute; a test with real packets names
// addresses that it can send from. No pool may be empty.
struct RandomClusterOptions {
  std::string node = "node-a";
  std::string remote_node = "node-b";
  std::vector<AddressPair> local_pods = {
      {"10.42.0.5", "fd00:42::5"},
      {"10.42.0.6", "fd00:42::6"},
      {"10.42.0.64", "fd00:42::1:0"},
      {"10.42.0.130", "fd00:42::ff"},
  };
  std::vector<AddressPair> remote_pods = {
      {"10.42.1.5", "fd00:42:0:1::5"},
      {"10.42.1.6", "fd00:42:0:1::6"},
      {"10.42.200.7", "fd00:42:0:2::7"},
      {"10.43.0.5", "fd00:43::5"},
  };
  // Neither pods nor our node.
  std::vector<AddressPair> outside = {
      {"192.0.2.1", "2001:db8::1"},
      {"203.0.113.200", "2001:db8:1::1"},
  };
  // The node's own.
  std::vector<AddressPair> node_addresses = {{"172.16.0.1", "fd00:16::1"}};

  int max_namespaces = 5;  // At least 1 and at most 5 are made.
  int max_policies = 12;
  int max_rules = 3;  // Per policy and direction.
  // Pods beyond one per address: those without an address, on the host network,
  // finished, or holding an address a second time.
  int max_extra_pods = 4;
  // Whether two counting pods may hold one address.
  bool shared_addresses = true;
  // Whether objects may hold what no API server lets through, such as an empty
  // peer or an endPort below its port.
  bool invalid_parts = true;
  // Whether packets may also come from and go to the edges of the policies'
  // blocks, or only to the addresses named above.
  bool packets_at_block_edges = true;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_OPTIONS_H_
