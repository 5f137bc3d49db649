// The members of one set, made ready for look-ups.
#ifndef NETPOL_EXPLAIN_MEMBER_INDEX_H_
#define NETPOL_EXPLAIN_MEMBER_INDEX_H_

#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/numeric/int128.h"
#include "netpol/base/ip.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// Answers as the kernel's set test does. Immutable, thread-safe.
class MemberIndex {
 public:
  explicit MemberIndex(const ObservedSet& set);

  // hash:ip: is a member; hash:net: is in any member. False for hash:ip,port
  // and for an address of the other family.
  bool Holds(const IpAddress& address) const;

  // hash:ip,port: is a member. For the other types as above.
  bool Holds(const IpAddress& address, uint8_t protocol, uint16_t port) const;

 private:
  // All prefixes of one length, by their first address.
  struct Blocks {
    absl::uint128 mask;
    absl::flat_hash_set<absl::uint128> starts;
  };

  absl::flat_hash_set<absl::uint128>& BlocksOf(int length);

  SetSpec spec_;
  absl::flat_hash_set<std::tuple<absl::uint128, uint8_t, uint16_t>> endpoints_;
  std::vector<Blocks> blocks_;  // as many as there are lengths
};

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_MEMBER_INDEX_H_
