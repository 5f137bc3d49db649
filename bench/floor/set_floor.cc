#include "bench/floor/set_floor.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// After the C library, which it then leaves alone.
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_error.h"

namespace netpol {
namespace {

constexpr size_t kSetsPerDatagram = 64;
constexpr size_t kCreateBytes = 256;
constexpr int kSendBuffer = 1 << 20;

NetlinkMessage NewMessage(ipset_cmd command, const SetName& name) {
  NetlinkMessage message(nlmsg_alloc_size(kCreateBytes));
  if (message == nullptr) throw std::bad_alloc();
  nlmsghdr* header = nlmsg_put(message.get(), NL_AUTO_PORT, 0,
                               NFNL_SUBSYS_IPSET << 8 | command,
                               sizeof(nfgenmsg), NLM_F_REQUEST);
  auto* generic = static_cast<nfgenmsg*>(nlmsg_data(header));
  generic->nfgen_family = AF_INET;
  generic->version = NFNETLINK_V0;
  generic->res_id = 0;
  nla_put_u8(message.get(), IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
  nla_put_string(message.get(), IPSET_ATTR_SETNAME, name.value().c_str());
  return message;
}

NetlinkMessage CreateMessage(const SetSpec& spec, size_t members) {
  NetlinkMessage message = NewMessage(IPSET_CMD_CREATE, spec.name);
  nlmsg_hdr(message.get())->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
  nla_put_string(message.get(), IPSET_ATTR_TYPENAME,
                 std::string(SetTypeName(spec.type)).c_str());
  // Every kernel's sets have the oldest revision.
  nla_put_u8(message.get(), IPSET_ATTR_REVISION, 0);
  nla_put_u8(message.get(), IPSET_ATTR_FAMILY,
             spec.family == Family::kIPv4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
  nlattr* data = nla_nest_start(message.get(), IPSET_ATTR_DATA | NLA_F_NESTED);
  nla_put_u32(message.get(), IPSET_ATTR_HASHSIZE | NLA_F_NET_BYTEORDER,
              htonl(HashSizeFor(members)));
  nla_put_u32(message.get(), IPSET_ATTR_MAXELEM | NLA_F_NET_BYTEORDER,
              htonl(spec.max_elements));
  nla_nest_end(message.get(), data);
  return message;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SetFloor>> SetFloor::Open() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) {
    return absl::UnimplementedError(
        absl::StrCat("cannot open a netlink socket of the netfilter family: ",
                     std::strerror(errno)));
  }
  std::unique_ptr<SetFloor> floor(new SetFloor(fd));
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof(kSendBuffer));
  const timeval timeout = {5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  const sockaddr_nl anyone = {AF_NETLINK, 0, 0, 0};
  if (bind(fd, reinterpret_cast<const sockaddr*>(&anyone), sizeof(anyone)) !=
      0) {
    return absl::UnavailableError(
        absl::StrCat("cannot bind a netlink socket: ", std::strerror(errno)));
  }
  return floor;
}

SetFloor::~SetFloor() { close(fd_); }

absl::StatusOr<Cost> SetFloor::Edit(MemberCommand command, const SetSpec& spec,
                                    absl::Span<const SetMember> members) {
  const std::vector<NetlinkMessage> messages =
      EncodeMembers(command, spec, members);
  Cost cost;
  for (const NetlinkMessage& message : messages) {
    const int error = Transact(absl::MakeConstSpan(&message, 1), cost);
    if (error != 0) return IpsetError(error, SetStep("edit", spec));
  }
  return cost;
}

absl::StatusOr<Cost> SetFloor::Create(absl::Span<const PlannedMembers> sets) {
  Cost cost;
  for (absl::Span<const PlannedMembers> left = sets; !left.empty();
       left.remove_prefix(std::min(left.size(), kSetsPerDatagram))) {
    std::vector<NetlinkMessage> messages;
    for (const PlannedMembers& set : left.subspan(0, kSetsPerDatagram))
      messages.push_back(CreateMessage(set.set, set.members.size()));
    const int error = Transact(messages, cost);
    if (error != 0)
      return IpsetError(error, SetStep("create a row from", left[0].set));
  }
  for (const PlannedMembers& set : sets) {
    ASSIGN_OR_RETURN(const Cost filled,
                     Edit(MemberCommand::kAdd, set.set, set.members));
    cost += filled;
  }
  return cost;
}

absl::StatusOr<Cost> SetFloor::Destroy(absl::Span<const PlannedMembers> sets) {
  Cost cost;
  for (const PlannedMembers& set : sets) {
    const NetlinkMessage message = NewMessage(IPSET_CMD_DESTROY, set.set.name);
    const int error = Transact(absl::MakeConstSpan(&message, 1), cost);
    if (error != 0) return IpsetError(error, SetStep("destroy", set.set));
  }
  return cost;
}

int SetFloor::Transact(absl::Span<const NetlinkMessage> messages, Cost& cost) {
  std::vector<iovec> parts;
  for (const NetlinkMessage& message : messages) {
    nlmsghdr* header = nlmsg_hdr(message.get());
    header->nlmsg_seq = ++sequence_;
    header->nlmsg_pid = 0;
    parts.push_back({header, header->nlmsg_len});
  }
  nlmsg_hdr(messages.back().get())->nlmsg_flags |= NLM_F_ACK;
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  msghdr datagram = {};
  datagram.msg_name = &kernel;
  datagram.msg_namelen = sizeof(kernel);
  datagram.msg_iov = parts.data();
  datagram.msg_iovlen = parts.size();
  const CostWatch watch;
  const int error = sendmsg(fd_, &datagram, 0) < 0 ? errno : Receive(sequence_);
  cost += watch.Elapsed();
  return error;
}

int SetFloor::Receive(uint32_t last) {
  int error = 0;
  while (true) {
    const ssize_t received = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (received < 0) return errno;
    int left = static_cast<int>(received);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data());
         nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      int code = 0;
      std::memcpy(&code, nlmsg_data(header), sizeof(code));
      if (code != 0 && error == 0) error = -code;
      if (header->nlmsg_seq == last) return error;
    }
  }
}

}  // namespace netpol
