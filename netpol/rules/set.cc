#include "netpol/rules/set.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/rules/protocol.h"

namespace netpol {

absl::string_view SetTypeName(SetType type) {
  switch (type) {
    case SetType::kHashIp:
      return "hash:ip";
    case SetType::kHashNet:
      return "hash:net";
    case SetType::kHashIpPort:
      return "hash:ip,port";
  }
  return "";
}

std::string SetMember::ToString() const {
  std::string text =
      prefix.IsHost() ? prefix.address.ToString() : prefix.ToString();
  if (protocol != 0)
    absl::StrAppend(&text, ",", ProtocolText(protocol), ":", port);
  return text;
}

uint32_t HashSizeFor(size_t members) {
  return static_cast<uint32_t>(std::bit_ceil(std::max<size_t>(members, 64)));
}

uint32_t MaxElementsFor(size_t members) {
  if (members <= 65536) return 65536;
  return static_cast<uint32_t>(2 * std::bit_ceil(members));
}

}  // namespace netpol
