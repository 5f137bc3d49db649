// The kernel's IP sets, as far as they are ours.
#ifndef NETPOL_DATAPLANE_IPSET_SET_TABLE_H_
#define NETPOL_DATAPLANE_IPSET_SET_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/ipset/ipset_channel.h"
#include "netpol/dataplane/ipset/ipset_messages.h"
#include "netpol/dataplane/ipset/libipset_session.h"
#include "netpol/dataplane/ipset/set_listing.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// The half of Dataplane (netpol/sync/dataplane.h) that is about sets; its
// contracts and codes hold here. Belongs to the network namespace of the thread
// that created it. Thread-compatible; blocks for the kernel only. Sets of other
// names than ours are neither read nor written.
//
// Members travel 1000 to a message and several messages to a system call; sets
// are created, swapped and destroyed through libipset.
class SetTable {
 public:
  // Asks the kernel whether it has sets at all, and writes nothing.
  // PermissionDenied without CAP_NET_ADMIN, Unimplemented without module
  // ip_set.
  static absl::StatusOr<std::unique_ptr<SetTable>> Create();

  // Our sets of the families (by name: "inet6:" or not). What counts as foreign
  // content, and what a set of a type that is not ours looks like, is said at
  // SetListing. A twin that a crash left behind is among them: it has a name of
  // ours that nobody wants. `others` gets the number of all other sets.
  absl::StatusOr<absl::btree_map<SetName, ObservedSet>> Read(
      absl::Span<const Family> families, size_t* others = nullptr);

  // How many members each of our sets of the families has, as the sets' heads
  // say; the members themselves are not read.
  absl::StatusOr<absl::flat_hash_map<SetName, size_t>> Sizes(
      absl::Span<const Family> families);

  // With room for `members` from the start, so that filling it never makes the
  // kernel resize it. AlreadyExists when there is a set of this name, which is
  // then left alone; ResourceExhausted when there are more members than
  // `spec.max_elements`.
  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members);

  // NotFound when the set is missing. When a member is refused those before it
  // have been added, and some after it may have been. InvalidArgument, before
  // anything is sent, for a member that does not fit the set's type or family.
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members);

  // As AddMembers.
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members);

  // Fills a twin, TwinName(spec), swaps the two, and destroys the old content.
  // On failure no twin is left and the set is as before, except when only the
  // last step failed, which the message says (Unavailable). NotFound when there
  // is no set to replace; FailedPrecondition when it is of another type or
  // family, which the kernel refuses to swap.
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members);

  // Unavailable while it is used by a rule; the kernel may say so for a grace
  // period after the last such rule has gone.
  absl::Status DestroySet(const SetName& name);

  // Messages sent that write: create, add, remove, swap and destroy, also those
  // that the kernel refused.
  uint64_t messages() const { return messages_; }

  // The name that the new content of `spec.name` has until it is swapped in;
  // the same each time, at most SetName::kMaxLength bytes.
  static SetName TwinName(const SetSpec& spec);

 private:
  SetTable(std::unique_ptr<IpsetChannel> channel,
           std::unique_ptr<LibipsetSession> session);

  // One dump, into `listing`.
  absl::Status List(ListScope scope, SetListing& listing);
  absl::Status EditMembers(MemberCommand command, const SetSpec& spec,
                           absl::Span<const SetMember> members);
  absl::Status SendMembers(MemberCommand command, const SetSpec& spec,
                           absl::Span<const SetMember> members);
  absl::Status RequireType(SetType type, Family family);
  absl::Status CreateTwin(const SetSpec& twin,
                          absl::Span<const SetMember> members);

  std::unique_ptr<IpsetChannel> channel_;
  std::unique_ptr<LibipsetSession> session_;
  bool type_present_[3][2] = {};  // by SetType and Family: the kernel has it
  uint64_t messages_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_SET_TABLE_H_
