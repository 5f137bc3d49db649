// The two worlds of iptables rules in one kernel: both see every packet, and
// neither shows the rules of the other.
#ifndef NETPOL_DATAPLANE_FLAVOUR_H_
#define NETPOL_DATAPLANE_FLAVOUR_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace netpol {

enum class Flavour : uint8_t {
  kLegacy,  // ip_tables, written by iptables-legacy
  kNft,     // nf_tables in the form that iptables-nft gives it
};

inline constexpr Flavour kFlavours[] = {Flavour::kLegacy, Flavour::kNft};

// "legacy" or "nft".
inline absl::string_view FlavourName(Flavour flavour) {
  return flavour == Flavour::kLegacy ? "legacy" : "nft";
}

inline Flavour OtherFlavour(Flavour flavour) {
  return flavour == Flavour::kLegacy ? Flavour::kNft : Flavour::kLegacy;
}

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_FLAVOUR_H_
