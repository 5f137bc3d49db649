#include "tests/kernel/lab/link_batch.h"

#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/address_bytes.h"

namespace netpol {
namespace {

// Acknowledgements of this many messages fit well into the receive buffer.
constexpr size_t kMessagesPerSend = 64;

// One netlink message under construction; lengths are filled in as it grows.
class Message {
 public:
  template <typename Header>
  Message(uint16_t type, uint16_t flags, const Header& header) {
    nlmsghdr netlink = {};
    netlink.nlmsg_type = type;
    netlink.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    Append(&netlink, sizeof(netlink));
    Append(&header, sizeof(header));
  }

  void Put(uint16_t type, const void* data, size_t size) {
    const size_t start = Begin(type);
    Append(data, size);
    End(start);
  }
  void PutInt(uint16_t type, uint32_t value) {
    Put(type, &value, sizeof(value));
  }
  void PutText(uint16_t type, const std::string& text) {
    Put(type, text.c_str(), text.size() + 1);
  }
  void PutAddress(uint16_t type, const IpAddress& address) {
    const std::vector<uint8_t> bytes = AddressBytes(address);
    Put(type, bytes.data(), bytes.size());
  }

  // An attribute that holds others, or a header and others.
  size_t Begin(uint16_t type) {
    const size_t start = bytes_.size();
    rtattr attribute = {};
    attribute.rta_type = type;
    Append(&attribute, sizeof(attribute));
    return start;
  }
  void End(size_t start) {
    const uint16_t length = static_cast<uint16_t>(bytes_.size() - start);
    memcpy(&bytes_[start], &length, sizeof(length));  // rta_len comes first
    bytes_.resize(RTA_ALIGN(bytes_.size()));
  }
  void Append(const void* data, size_t size) {
    const auto* begin = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }

  std::vector<uint8_t> Take() {
    const uint32_t length = static_cast<uint32_t>(bytes_.size());
    memcpy(bytes_.data(), &length, sizeof(length));  // nlmsg_len comes first
    return std::move(bytes_);
  }

 private:
  std::vector<uint8_t> bytes_;
};

ifinfomsg LinkHeader(int index) {
  ifinfomsg header = {};
  header.ifi_index = index;
  return header;
}

uint8_t KernelFamily(Family family) {
  return family == Family::kIPv4 ? AF_INET : AF_INET6;
}

rtmsg RouteHeader(Family family, int length, uint8_t scope) {
  rtmsg header = {};
  header.rtm_family = KernelFamily(family);
  header.rtm_dst_len = static_cast<uint8_t>(length);
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = scope;
  header.rtm_type = RTN_UNICAST;
  return header;
}

}  // namespace

absl::StatusOr<InterfaceAddress> InterfaceAddress::Parse(
    absl::string_view text) {
  ASSIGN_OR_RETURN(const IpPrefix prefix, IpPrefix::Parse(text));
  ASSIGN_OR_RETURN(const IpAddress address,
                   IpAddress::Parse(text.substr(0, text.find('/'))));
  return InterfaceAddress{address, prefix.length};
}

absl::StatusOr<LinkBatch> LinkBatch::Open(const NetNs& ns) {
  FileDescriptor fd;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    fd = FileDescriptor(
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd.valid()) {
      return absl::ErrnoToStatus(errno, "opening a route netlink socket");
    }
    return absl::OkStatus();
  }));
  return LinkBatch(std::move(fd));
}

void LinkBatch::AddVeth(const VethEnd& here, const VethEnd& there,
                        const NetNs& peer) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                  LinkHeader(here.index));
  message.PutText(IFLA_IFNAME, here.name);
  message.Put(IFLA_ADDRESS, here.mac.data(), here.mac.size());
  const size_t info = message.Begin(IFLA_LINKINFO);
  message.PutText(IFLA_INFO_KIND, "veth");
  const size_t data = message.Begin(IFLA_INFO_DATA);
  const size_t other = message.Begin(VETH_INFO_PEER);
  const ifinfomsg header = LinkHeader(there.index);
  message.Append(&header, sizeof(header));
  message.PutText(IFLA_IFNAME, there.name);
  message.Put(IFLA_ADDRESS, there.mac.data(), there.mac.size());
  message.PutInt(IFLA_NET_NS_FD, static_cast<uint32_t>(peer.fd()));
  message.End(other);
  message.End(data);
  message.End(info);
  requests_.push_back(
      {absl::StrCat("adding veth pair ", here.name, " and ", there.name),
       message.Take()});
}

void LinkBatch::AddBridge(const VethEnd& link) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                  LinkHeader(link.index));
  message.PutText(IFLA_IFNAME, link.name);
  message.Put(IFLA_ADDRESS, link.mac.data(), link.mac.size());
  const size_t info = message.Begin(IFLA_LINKINFO);
  message.PutText(IFLA_INFO_KIND, "bridge");
  const size_t data = message.Begin(IFLA_INFO_DATA);
  const uint8_t off = 0;
  message.Put(IFLA_BR_MCAST_SNOOPING, &off, sizeof(off));
  message.End(data);
  message.End(info);
  requests_.push_back(
      {absl::StrCat("adding bridge ", link.name), message.Take()});
}

void LinkBatch::AddPort(int index, int bridge) {
  const std::string what =
      absl::StrCat("making link ", index, " a port of bridge ", bridge);
  Message port(RTM_NEWLINK, 0, LinkHeader(index));
  port.PutInt(IFLA_MASTER, static_cast<uint32_t>(bridge));
  requests_.push_back({what, port.Take()});
  // Of its own: a link has no port settings before it is a port.
  Message hairpin(RTM_NEWLINK, 0, LinkHeader(index));
  const size_t info = hairpin.Begin(IFLA_LINKINFO);
  hairpin.PutText(IFLA_INFO_SLAVE_KIND, "bridge");
  const size_t data = hairpin.Begin(IFLA_INFO_SLAVE_DATA);
  const uint8_t on = 1;
  hairpin.Put(IFLA_BRPORT_MODE, &on, sizeof(on));
  hairpin.End(data);
  hairpin.End(info);
  requests_.push_back({what, hairpin.Take()});
}

void LinkBatch::AddVxlan(const VethEnd& link, uint32_t vni,
                         const IpAddress& local, const IpAddress& remote) {
  const bool v4 = local.family == Family::kIPv4;
  constexpr uint16_t kPort = 8472;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                  LinkHeader(link.index));
  message.PutText(IFLA_IFNAME, link.name);
  message.Put(IFLA_ADDRESS, link.mac.data(), link.mac.size());
  const size_t info = message.Begin(IFLA_LINKINFO);
  message.PutText(IFLA_INFO_KIND, "vxlan");
  const size_t data = message.Begin(IFLA_INFO_DATA);
  message.PutInt(IFLA_VXLAN_ID, vni);
  message.PutAddress(v4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, local);
  message.PutAddress(v4 ? IFLA_VXLAN_GROUP : IFLA_VXLAN_GROUP6, remote);
  const uint16_t port = htons(kPort);
  message.Put(IFLA_VXLAN_PORT, &port, sizeof(port));
  message.End(data);
  message.End(info);
  requests_.push_back(
      {absl::StrCat("adding tunnel ", link.name), message.Take()});
}

void LinkBatch::SetUp(int index) {
  ifinfomsg header = LinkHeader(index);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  requests_.push_back({absl::StrCat("setting link ", index, " up"),
                       Message(RTM_NEWLINK, 0, header).Take()});
}

void LinkBatch::DeleteLink(int index) {
  requests_.push_back({absl::StrCat("deleting link ", index),
                       Message(RTM_DELLINK, 0, LinkHeader(index)).Take()});
}

void LinkBatch::AddAddress(int index, const InterfaceAddress& address) {
  ifaddrmsg header = {};
  header.ifa_family = KernelFamily(address.address.family);
  header.ifa_prefixlen = static_cast<uint8_t>(address.length);
  header.ifa_index = static_cast<uint32_t>(index);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header);
  message.PutAddress(IFA_LOCAL, address.address);
  message.PutAddress(IFA_ADDRESS, address.address);
  message.PutInt(IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
  requests_.push_back(
      {absl::StrCat("adding address ", address.address.ToString(), "/",
                    address.length, " to link ", index),
       message.Take()});
  // IPv6 makes its own in a work queue, some time after it acknowledged the
  // address (addrconf_dad_work), and with another metric: both may stand.
  if (address.address.family == Family::kIPv6) {
    AddLocalRoute(index, address.address);
  }
}

void LinkBatch::AddLocalRoute(int index, const IpAddress& destination) {
  rtmsg header = RouteHeader(destination.family,
                             AddressBits(destination.family), RT_SCOPE_HOST);
  header.rtm_table = RT_TABLE_LOCAL;
  header.rtm_type = RTN_LOCAL;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
  message.PutAddress(RTA_DST, destination);
  message.PutInt(RTA_OIF, static_cast<uint32_t>(index));
  requests_.push_back({absl::StrCat("adding a local route for ",
                                    destination.ToString(), " on link ", index),
                       message.Take()});
}

void LinkBatch::AddHostRoute(int index, const IpAddress& destination) {
  AddRoute(index, IpPrefix::Host(destination));
}

void LinkBatch::AddRoute(int index, const IpPrefix& destination) {
  Message message(
      RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
      RouteHeader(destination.family(), destination.length, RT_SCOPE_LINK));
  message.PutAddress(RTA_DST, destination.address);
  message.PutInt(RTA_OIF, static_cast<uint32_t>(index));
  requests_.push_back({absl::StrCat("adding a route to ",
                                    destination.ToString(), " by link ", index),
                       message.Take()});
}

void LinkBatch::AddDefaultRoute(int index, const IpAddress& gateway) {
  rtmsg header = RouteHeader(gateway.family, 0, RT_SCOPE_UNIVERSE);
  header.rtm_flags = RTNH_F_ONLINK;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
  message.PutAddress(RTA_GATEWAY, gateway);
  message.PutInt(RTA_OIF, static_cast<uint32_t>(index));
  requests_.push_back({absl::StrCat("adding the default route by ",
                                    gateway.ToString(), " on link ", index),
                       message.Take()});
}

void LinkBatch::AddNeighbour(int index, const IpAddress& address,
                             const MacAddress& mac) {
  ndmsg header = {};
  header.ndm_family = KernelFamily(address.family);
  header.ndm_ifindex = index;
  header.ndm_state = NUD_PERMANENT;
  Message message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, header);
  message.PutAddress(NDA_DST, address);
  message.Put(NDA_LLADDR, mac.data(), mac.size());
  requests_.push_back({absl::StrCat("adding neighbour ", address.ToString(),
                                    " on link ", index),
                       message.Take()});
}

absl::Status LinkBatch::Commit() {
  absl::Status first;
  for (size_t at = 0; at < requests_.size(); at += kMessagesPerSend) {
    absl::Status status =
        SendSome(at, std::min(kMessagesPerSend, requests_.size() - at));
    first.Update(status);
  }
  requests_.clear();
  return first;
}

absl::Status LinkBatch::ActivateLink(const std::string& name) const {
  // Asking for the link state processes the pending carrier change first
  // (linkwatch_sync_dev in the kernel's ethtool_op_get_link).
  ethtool_value state = {};
  state.cmd = ETHTOOL_GLINK;
  ifreq request = {};
  name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_data = reinterpret_cast<char*>(&state);
  if (ioctl(socket_.get(), SIOCETHTOOL, &request) != 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("asking for the state of ", name));
  }
  if (state.data == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("link ", name, " has no carrier: set up its other end"));
  }
  return absl::OkStatus();
}

absl::Status LinkBatch::SendSome(size_t first, size_t count) {
  const uint32_t base = sequence_;
  std::vector<uint8_t> bytes;
  for (size_t i = first; i < first + count; ++i) {
    std::vector<uint8_t>& message = requests_[i].bytes;
    nlmsghdr* header = reinterpret_cast<nlmsghdr*>(message.data());
    header->nlmsg_seq = sequence_++;
    bytes.insert(bytes.end(), message.begin(), message.end());
  }
  if (send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) {
    return absl::ErrnoToStatus(errno, "sending to route netlink");
  }
  absl::Status result;
  size_t answered = 0;
  alignas(nlmsghdr) char buffer[32768];
  while (answered < count) {
    const ssize_t got = recv(socket_.get(), buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::ErrnoToStatus(errno, "reading from route netlink");
    }
    size_t left = static_cast<size_t>(got);
    for (nlmsghdr* header = reinterpret_cast<nlmsghdr*>(buffer);
         NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      ++answered;
      const int error = static_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
      const uint32_t offset = header->nlmsg_seq - base;
      if (error != 0 && offset < count) {
        result.Update(
            absl::ErrnoToStatus(-error, requests_[first + offset].what));
      }
    }
  }
  return result;
}

}  // namespace netpol
