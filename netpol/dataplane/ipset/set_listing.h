// Reads a dump of the kernel's sets.
#ifndef NETPOL_DATAPLANE_IPSET_SET_LISTING_H_
#define NETPOL_DATAPLANE_IPSET_SET_LISTING_H_

#include <linux/netlink.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// Collects what the messages of one dump say about our sets (SetName::IsOurs);
// passes over all others unread. A set belongs to the family that its name says
// ("inet6:" or not). Thread-compatible.
//
// Content is foreign when a set
//  - is of another type than our three (its type is then given as the nearest:
//    hash:net for one with "net" in its name, hash:ip,port for one with "port",
//    else hash:ip) or of another family than its name says;
//  - gives its members a timeout by default, masks them, or drops old ones when
//    full (forceadd);
//  - has a member that ends by itself (a timeout that runs), says nomatch, or
//    could not be read.
// A set that merely could hold timeouts, counters or comments is not foreign.
class SetListing {
 public:
  explicit SetListing(absl::Span<const Family> families)
      : families_(families.begin(), families.end()) {}

  // One data message of the dump, in the order they came: a set's head comes
  // once, before its members.
  void Add(const nlmsghdr& message);

  absl::btree_map<SetName, ObservedSet> Take() { return std::move(sets_); }

  // How many members each set has by its head, which is also told where the
  // dump had no members; Glance::kUnknownSize where the kernel does not say.
  absl::flat_hash_map<SetName, size_t> TakeSizes() { return std::move(sizes_); }

  // How many sets were passed over.
  size_t others() const { return others_; }

 private:
  std::vector<Family> families_;
  absl::btree_map<SetName, ObservedSet> sets_;
  absl::flat_hash_map<SetName, size_t> sizes_;
  size_t others_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_SET_LISTING_H_
