#include "netpol/dataplane/nft/nft_monitor.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/nft/nft_messages.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

constexpr int kSocketBuffer = 8 << 20;
// Notices of one transaction come in datagrams of some KiB; a single rule can
// have 64 KiB.
constexpr size_t kReceiveBuffer = 128 << 10;

constexpr absl::string_view kTable = "filter";

bool IsWatched(absl::string_view chain) {
  return chain == "INPUT" || chain == "FORWARD" || chain == "OUTPUT" ||
         ChainName::IsOurs(chain);
}

}  // namespace

NftMonitor::NftMonitor(Family family, NftSocket socket)
    : family_(family), socket_(std::move(socket)), buffer_(kReceiveBuffer) {}

absl::StatusOr<std::unique_ptr<NftMonitor>> NftMonitor::Open(Family family) {
  ASSIGN_OR_RETURN(NftSocket socket, OpenNftSocket(kSocketBuffer));
  if (int error = nl_socket_add_membership(socket.get(), NFNLGRP_NFTABLES);
      error < 0) {
    const std::string message =
        absl::StrCat("nf_tables: subscribe to changes: ", nl_geterror(error));
    if (error == -NLE_PERM || error == -NLE_NOACCESS)
      return absl::PermissionDeniedError(message);
    return absl::UnimplementedError(message);
  }
  return std::unique_ptr<NftMonitor>(new NftMonitor(family, std::move(socket)));
}

absl::StatusOr<bool> NftMonitor::TakeChanges() { return Take(absl::nullopt); }

absl::StatusOr<bool> NftMonitor::TakeChangesNotBy(uint32_t port) {
  return Take(port);
}

absl::StatusOr<bool> NftMonitor::Take(absl::optional<uint32_t> own_port) {
  bool changed = false;
  // The process that used our port, as far as a transaction's end tells of it.
  absl::optional<uint32_t> own_process;
  while (true) {
    ASSIGN_OR_RETURN(const Datagram datagram,
                     ReceiveDatagram(socket_.get(), Patience::kNone, buffer_));
    if (datagram.lost) changed = true;
    if (datagram.bytes == 0 && !datagram.lost) return changed;
    int left = static_cast<int>(datagram.bytes);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data());
         nlmsg_ok(message, left); message = nlmsg_next(message, &left)) {
      if (message->nlmsg_pid != own_port) {
        if (Concerns(*message)) changed = true;
        continue;
      }
      if (NftCommandOf(*message) != NFT_MSG_NEWGEN) continue;
      const uint32_t process = DecodeGeneration(*message).process;
      if (own_process.has_value() && own_process != process) changed = true;
      own_process = process;
    }
  }
}

bool NftMonitor::Concerns(const nlmsghdr& message) const {
  const NftPlace place = PlaceOf(message);
  if (place.family != NftFamily(family_) || place.table != kTable) return false;
  const int command = NftCommandOf(message);
  if (command == NFT_MSG_NEWTABLE || command == NFT_MSG_DELTABLE) return true;
  // Of a chain that is renamed only the new name is told. Kernels before 5.16
  // do not say that a chain is new: then each one counts.
  if (command == NFT_MSG_NEWCHAIN &&
      (message.nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) == 0) {
    return true;
  }
  return IsWatched(place.chain);
}

}  // namespace netpol
