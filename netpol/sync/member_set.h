// A set of set members, small in memory.
#ifndef NETPOL_SYNC_MEMBER_SET_H_
#define NETPOL_SYNC_MEMBER_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "netpol/rules/set.h"

namespace netpol {

// Members of IPv4 take 8 bytes each: there are as many as a cluster has
// addresses, in several sets. Memory is given back when nothing is left.
// Thread-compatible.
class MemberSet {
 public:
  // Whether it was not there, or was.
  bool Insert(const SetMember& member);
  bool Erase(const SetMember& member);
  bool Contains(const SetMember& member) const;

  size_t size() const { return packed_.size() + others_.size(); }
  bool empty() const { return size() == 0; }

  void AppendTo(std::vector<SetMember>& members) const;

 private:
  void ReleaseIfEmpty();

  absl::flat_hash_set<uint64_t> packed_;  // of IPv4
  absl::flat_hash_set<SetMember> others_;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_MEMBER_SET_H_
