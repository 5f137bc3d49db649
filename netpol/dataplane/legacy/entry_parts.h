// A rule of a legacy table taken apart: header, matches, target.
//
// The kernel's form (struct ipt_entry or ip6t_entry, then struct xt_entry_match
// for each match, then struct xt_entry_target; linux/netfilter/x_tables.h) is
// one block of bytes, some of them without meaning. Here only what decides the
// rule's effect is kept, so that two rules are the same exactly when their
// parts are equal.
#ifndef NETPOL_DATAPLANE_LEGACY_ENTRY_PARTS_H_
#define NETPOL_DATAPLANE_LEGACY_ENTRY_PARTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

// A match or a target with the data that its kernel module takes.
struct Extension {
  std::string name;
  uint8_t revision = 0;
  // The module's struct, padded to the table's alignment; what the kernel keeps
  // there for itself is zero.
  std::string data;

  friend bool operator==(const Extension& a, const Extension& b) {
    return a.name == b.name && a.revision == b.revision && a.data == b.data;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Extension& e) {
    return H::combine(std::move(h), e.name, e.revision, e.data);
  }
};

struct PacketCounters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

// Counters and the kernel's own back pointers are not parts of a rule.
struct EntryParts {
  // struct ipt_ip or struct ip6t_ip6, as it stands in the entry.
  std::string header;
  std::vector<Extension> matches;
  // If `verdict`, its name is ACCEPT, DROP, QUEUE, RETURN, a chain, or empty
  // for a rule that only counts, and it has no data.
  Extension target;
  bool verdict = false;

  friend bool operator==(const EntryParts& a, const EntryParts& b) {
    return a.header == b.header && a.matches == b.matches &&
           a.target == b.target && a.verdict == b.verdict;
  }
  friend bool operator!=(const EntryParts& a, const EntryParts& b) {
    return !(a == b);
  }
  template <typename H>
  friend H AbslHashValue(H h, const EntryParts& p) {
    return H::combine(std::move(h), p.header, p.matches, p.target, p.verdict);
  }
};

// sizeof(struct ipt_ip) or sizeof(struct ip6t_ip6).
size_t EntryHeaderSize(Family family);

// Takes apart `entry` (struct ipt_entry or ip6t_entry, whole). `target` is the
// name that libiptc gives for it, since a jump's own bytes have only an offset.
// Internal if the sizes inside the entry contradict each other.
absl::StatusOr<EntryParts> Dissect(Family family, const void* entry,
                                   absl::string_view target);

// The block of bytes that libiptc takes for a new rule; counters start at
// `counters`.
std::string Assemble(Family family, const EntryParts& parts,
                     PacketCounters counters = {});

// The counters inside `entry`.
PacketCounters CountersOf(Family family, const void* entry);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_ENTRY_PARTS_H_
