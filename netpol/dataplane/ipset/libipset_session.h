// Creating, swapping and destroying sets by libipset.
#ifndef NETPOL_DATAPLANE_IPSET_LIBIPSET_SESSION_H_
#define NETPOL_DATAPLANE_IPSET_LIBIPSET_SESSION_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"

struct ipset_session;

namespace netpol {

// One session of the library, which is made silent: what it would print becomes
// the text of a status. Belongs to the network namespace of the thread that
// opened it. Thread-compatible; calls of different sessions take turns, since
// the library keeps a list of its own.
//
// The library reads its answer without a timeout, which is sound: the kernel
// answers these requests before the send returns.
class LibipsetSession {
 public:
  // Needs CAP_NET_ADMIN and an ipset subsystem. Sends a question only.
  static absl::StatusOr<std::unique_ptr<LibipsetSession>> Open();

  ~LibipsetSession();
  LibipsetSession(const LibipsetSession&) = delete;
  LibipsetSession& operator=(const LibipsetSession&) = delete;

  // An empty set without timeouts, counters or comments. Codes as IpsetError;
  // AlreadyExists when the name is taken. Each method sends one message that
  // writes.
  absl::Status Create(const SetSpec& spec, uint32_t hash_size);
  // Exchanges names and users of two sets of the same type and family.
  absl::Status Swap(const SetName& from, const SetName& to);
  absl::Status Destroy(const SetName& name);

 private:
  explicit LibipsetSession(ipset_session* session);

  ipset_session* session_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_LIBIPSET_SESSION_H_
