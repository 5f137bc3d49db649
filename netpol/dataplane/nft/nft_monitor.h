// Hears of every nf_tables transaction, and keeps what concerns us.
#ifndef NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_
#define NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_

#include <linux/netlink.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/nft/nft_socket.h"

namespace netpol {

// Subscribed to NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h) in the network
// namespace of the thread that opened it. Thread-compatible; never waits.
//
// What concerns us: the table `filter` of the family as such, its chains INPUT,
// FORWARD and OUTPUT, a chain of ours (ChainName::IsOurs), and the rules in
// these. A transaction that leaves everything as it was, as to empty an empty
// chain, is no event to the kernel; counters are none either.
class NftMonitor {
 public:
  // Unimplemented, PermissionDenied and Unavailable as of NftChannel
  // (nft_channel.h).
  static absl::StatusOr<std::unique_ptr<NftMonitor>> Open(Family family);
  NftMonitor(const NftMonitor&) = delete;
  NftMonitor& operator=(const NftMonitor&) = delete;

  // Whether anything that concerns us happened since it was opened, or since
  // the last call of this or the next function. True also where messages were
  // lost because there were too many: some MiB of them, or about 10,000 rules.
  absl::StatusOr<bool> TakeChanges();

  // The same, but for transactions that came from the netlink port `port`: that
  // of an NftChannel, or the process id of a program that has ended by now,
  // since the kernel gives the first netlink socket of a process its id as
  // port (netlink_autobind), and iptables-nft-restore writes through its first.
  //
  // To be called right after the transaction, and TakeChanges() right before
  // it: in between, a program in another container could come by the same
  // number. Two processes that had it count as a change, and so does a program
  // of ours that got another port because its own was taken.
  absl::StatusOr<bool> TakeChangesNotBy(uint32_t port);

 private:
  NftMonitor(Family family, NftSocket socket);

  absl::StatusOr<bool> Take(absl::optional<uint32_t> own_port);
  bool Concerns(const nlmsghdr& message) const;

  const Family family_;
  const NftSocket socket_;
  std::vector<char> buffer_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_
