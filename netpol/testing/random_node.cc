#include "netpol/testing/random_node.h"

#include <string>

namespace netpol {

std::vector<IpAddress> AddressesIn(const std::vector<AddressPair>& pairs) {
  std::vector<IpAddress> addresses;
  for (const AddressPair& pair : pairs) {
    for (const std::string& text : {pair.v4, pair.v6}) {
      if (!text.empty()) addresses.push_back(*IpAddress::Parse(text));
    }
  }
  return addresses;
}

NodeView ViewOf(const RandomClusterOptions& options) {
  NodeView view;
  view.name = options.node;
  view.addresses = AddressesIn(options.node_addresses);
  return view;
}

}  // namespace netpol
