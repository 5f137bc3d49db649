#include "tests/cases/node_and_neighbours/refusal_log.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <sys/socket.h>
// After the C library, which it then leaves alone.
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

using Message = std::unique_ptr<nl_msg, decltype(&nlmsg_free)>;

absl::Status Failed(const char* what, int code) {
  return absl::InternalError(
      absl::StrCat("NFLOG: ", what, ": ", nl_geterror(code)));
}

IpAddress AddressOfPacket(uint32_t network_order) {
  return IpAddress{Family::kIPv4, ntohl(network_order)};
}

LoggedPacket ReadPacket(nlmsghdr* header) {
  LoggedPacket packet;
  nlattr* attributes[NFULA_MAX + 1];
  if (nlmsg_parse(header, sizeof(nfgenmsg), attributes, NFULA_MAX, nullptr) < 0)
    return packet;
  if (attributes[NFULA_PREFIX] != nullptr)
    packet.prefix = nla_get_string(attributes[NFULA_PREFIX]);
  if (attributes[NFULA_PAYLOAD] != nullptr &&
      nla_len(attributes[NFULA_PAYLOAD]) >= static_cast<int>(sizeof(iphdr))) {
    iphdr ip;
    std::memcpy(&ip, nla_data(attributes[NFULA_PAYLOAD]), sizeof(ip));
    packet.source = AddressOfPacket(ip.saddr);
    packet.destination = AddressOfPacket(ip.daddr);
  }
  return packet;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RefusalLog>> RefusalLog::Open(uint16_t group) {
  std::unique_ptr<RefusalLog> log(new RefusalLog(nl_socket_alloc()));
  if (log->socket_ == nullptr)
    return absl::ResourceExhaustedError("no netlink socket");
  nl_socket_disable_seq_check(log->socket_);
  if (int code = nl_connect(log->socket_, NETLINK_NETFILTER); code < 0)
    return Failed("connecting", code);
  RETURN_IF_ERROR(log->Configure(group));
  return log;
}

RefusalLog::~RefusalLog() { nl_socket_free(socket_); }

absl::Status RefusalLog::Configure(uint16_t group) {
  const Message message(
      nlmsg_alloc_simple(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
                         NLM_F_REQUEST | NLM_F_ACK),
      &nlmsg_free);
  nfgenmsg header = {AF_UNSPEC, NFNETLINK_V0, htons(group)};
  nfulnl_msg_config_cmd bind = {NFULNL_CFG_CMD_BIND};
  nfulnl_msg_config_mode whole = {};
  whole.copy_mode = NFULNL_COPY_PACKET;
  whole.copy_range = htonl(0xffff);
  if (message == nullptr ||
      nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
      nla_put(message.get(), NFULA_CFG_CMD, sizeof(bind), &bind) < 0 ||
      nla_put(message.get(), NFULA_CFG_MODE, sizeof(whole), &whole) < 0 ||
      // Without it packets are gathered.
      nla_put_u32(message.get(), NFULA_CFG_QTHRESH, htonl(1)) < 0) {
    return absl::ResourceExhaustedError("no room for a message");
  }
  if (int code = nl_send_auto(socket_, message.get()); code < 0)
    return Failed("asking for a group", code);
  if (int code = nl_wait_for_ack(socket_); code < 0)
    return Failed("asking for a group", code);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LoggedPacket>> RefusalLog::Take() {
  std::vector<LoggedPacket> packets;
  std::vector<char> buffer(1 << 16);
  while (true) {
    const ssize_t size = recv(nl_socket_get_fd(socket_), buffer.data(),
                              buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return packets;
    if (size < 0) return absl::InternalError(strerror(errno));
    auto* header = reinterpret_cast<nlmsghdr*>(buffer.data());
    int left = static_cast<int>(size);
    for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
        packets.push_back(ReadPacket(header));
    }
  }
}

}  // namespace netpol
