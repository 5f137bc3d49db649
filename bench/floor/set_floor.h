// The least that changing IP sets can cost: messages made beforehand, sent and
// acknowledged, on the sets as they are at the moment.
#ifndef NETPOL_BENCH_FLOOR_SET_FLOOR_H_
#define NETPOL_BENCH_FLOOR_SET_FLOOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bench/floor/cost.h"
#include "netpol/dataplane/ipset/ipset_messages.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/plan.h"

namespace netpol {

// Belongs to the network namespace of the thread that opened it.
// Thread-compatible. What is timed is one system call to send and one to
// receive, for each datagram. Errors are those of IpsetError.
//
// The kernel looks for a set by walking the list of all sets, so a cost belongs
// to the set's place in that list.
class SetFloor {
 public:
  static absl::StatusOr<std::unique_ptr<SetFloor>> Open();

  ~SetFloor();
  SetFloor(const SetFloor&) = delete;
  SetFloor& operator=(const SetFloor&) = delete;

  // Adds or removes `members`, up to 1000 in a datagram.
  absl::StatusOr<Cost> Edit(MemberCommand command, const SetSpec& spec,
                            absl::Span<const SetMember> members);

  // Creates all of `sets`, then fills them. The sets' hashes have room for the
  // members. 64 sets in a datagram.
  absl::StatusOr<Cost> Create(absl::Span<const PlannedMembers> sets);

  // Destroys `sets`, each by a datagram of its own.
  absl::StatusOr<Cost> Destroy(absl::Span<const PlannedMembers> sets);

 private:
  explicit SetFloor(int fd) : fd_(fd) {}

  // Sends `messages` as one datagram; the last is acknowledged. Its cost is
  // added to `cost`. Returns an errno value or an IPSET_ERR_*, 0 for none.
  int Transact(absl::Span<const NetlinkMessage> messages, Cost& cost);
  int Receive(uint32_t last);

  int fd_;
  uint32_t sequence_ = 0;
  std::vector<char> buffer_ = std::vector<char>(256 << 10);
};

}  // namespace netpol

#endif  // NETPOL_BENCH_FLOOR_SET_FLOOR_H_
