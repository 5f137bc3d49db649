// The kernel's numbers of sets, which rules carry instead of names.
#ifndef NETPOL_DATAPLANE_LEGACY_SET_INDEX_H_
#define NETPOL_DATAPLANE_LEGACY_SET_INDEX_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/rules/names.h"

namespace netpol {

// Looks names and numbers up by getsockopt(SO_IP_SET)
// (linux/netfilter/ipset/ip_set.h), each at most once until Forget(). The
// network namespace is the one the thread was in at the first lookup since
// Forget(). Thread-compatible.
//
// Errors of both lookups: NotFound; PermissionDenied without CAP_NET_ADMIN;
// Unimplemented if the kernel has no ip_set.
class SetIndex {
 public:
  SetIndex() = default;
  ~SetIndex() { Forget(); }
  SetIndex(const SetIndex&) = delete;
  SetIndex& operator=(const SetIndex&) = delete;

  absl::StatusOr<uint16_t> IndexOf(const SetName& name);
  absl::StatusOr<SetName> NameOf(uint16_t index);

  // Drops what is remembered: a number may go to another set once its own is
  // destroyed.
  void Forget();

 private:
  absl::Status Connect();

  int socket_ = -1;
  unsigned int version_ = 0;
  absl::flat_hash_map<SetName, uint16_t> index_by_name_;
  absl::flat_hash_map<uint16_t, SetName> name_by_index_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_SET_INDEX_H_
