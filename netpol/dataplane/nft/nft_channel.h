// A socket to the kernel's nf_tables, for what needs no knowledge of rule
// bodies: names, places, jumps, removal.
#ifndef NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_
#define NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

struct nl_sock;

namespace netpol {

struct NftChain {
  std::string name;
  uint64_t handle = 0;
  bool is_base = false;  // hooked into the packet path
};

struct NftRule {
  std::string chain;
  uint64_t handle = 0;
  // Where it jumps or goes; empty for any other end.
  std::string target;
  bool go = false;
  // Of iptables' comment match (or nft's own comment); empty without one.
  std::string comment;
  // Nothing but a comment, a counter and the way to `target`: a jump without
  // conditions.
  bool unconditional = false;
};

// What is removed in one transaction, in this order.
struct NftRemoval {
  struct RuleAt {
    std::string chain;
    uint64_t handle = 0;
  };
  std::vector<RuleAt> rules;         // by handle; gone ones make it fail
  std::vector<std::string> flushed;  // chains that lose all rules
  std::vector<std::string> chains;   // deleted; must be empty by then
};

// Tables are those of `family` (ip or ip6). The network namespace is that of
// the thread that opened it. Thread-compatible; blocks for the kernel only.
// Unimplemented where the kernel has no nf_tables, PermissionDenied without
// CAP_NET_ADMIN.
class NftChannel {
 public:
  static absl::StatusOr<std::unique_ptr<NftChannel>> Open();
  ~NftChannel();
  NftChannel(const NftChannel&) = delete;
  NftChannel& operator=(const NftChannel&) = delete;

  // Names of all tables of the family.
  absl::StatusOr<std::vector<std::string>> Tables(Family family);
  // None where there is no such table.
  absl::StatusOr<std::vector<NftChain>> Chains(Family family,
                                               absl::string_view table);
  // In order; of one chain, or of all of the table if `chain` is empty. None
  // where there is no such table or chain.
  absl::StatusOr<std::vector<NftRule>> Rules(Family family,
                                             absl::string_view table,
                                             absl::string_view chain);

  // All or nothing. Aborted: something else changed meanwhile, or what was to
  // be removed is gone: read again. FailedPrecondition: a chain is still in
  // use.
  absl::Status Remove(Family family, absl::string_view table,
                      const NftRemoval& removal);
  // The whole table with all in it; one that is not there is not an error.
  absl::Status RemoveTable(Family family, absl::string_view table);

 private:
  explicit NftChannel(nl_sock* socket);

  nl_sock* const socket_;
  uint32_t sequence_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_CHANNEL_H_
