#include "netpol/testing/packet.h"

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

std::string ProtocolName(uint8_t protocol) {
  if (protocol == IPPROTO_TCP) return "TCP";
  if (protocol == IPPROTO_UDP) return "UDP";
  if (protocol == IPPROTO_SCTP) return "SCTP";
  return absl::StrCat("protocol ", static_cast<int>(protocol));
}

}  // namespace

std::string Packet::ToString() const {
  return absl::StrCat(ProtocolName(protocol), " ", source.ToString(), " -> ",
                      destination.ToString(), " port ", destination_port);
}

}  // namespace netpol
