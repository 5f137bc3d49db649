// Hears of every nf_tables transaction, and keeps what concerns us.
#ifndef NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_
#define NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

struct nl_sock;

namespace netpol {

// Subscribed to NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h) in the network
// namespace of the thread that opened it. Thread-compatible.
class NftMonitor {
 public:
  static absl::StatusOr<std::unique_ptr<NftMonitor>> Open(Family family);
  ~NftMonitor();
  NftMonitor(const NftMonitor&) = delete;
  NftMonitor& operator=(const NftMonitor&) = delete;

  // Whether since the last call anything happened to the table `filter` of the
  // family, its chains INPUT, FORWARD and OUTPUT, a chain of ours
  // (ChainName::IsOurs) or a rule in one of these. True also where messages
  // were lost because there were too many. Never waits.
  absl::StatusOr<bool> TakeChanges();

  // Forgets what happened up to now, but for what `except` did not do: call it
  // after a transaction of our own.
  // Whose messages these are is known by the netlink port of the sender, which
  // is the process id for a program that opens one socket.
  absl::StatusOr<bool> TakeChangesNotBy(uint32_t port);

 private:
  NftMonitor(Family family, nl_sock* socket);

  const Family family_;
  nl_sock* const socket_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_MONITOR_H_
