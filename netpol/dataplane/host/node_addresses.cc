#include "netpol/dataplane/host/node_addresses.h"

#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr int kTimeoutSeconds = 5;

absl::Status Refused(absl::string_view what, absl::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("node addresses: ", what, ": ", why));
}

absl::StatusOr<nl_sock*> OpenSocket() {
  nl_sock* socket = nl_socket_alloc();
  if (socket == nullptr) return absl::ResourceExhaustedError("no memory");
  if (int error = nl_connect(socket, NETLINK_ROUTE); error < 0) {
    nl_socket_free(socket);
    return Refused("opening a netlink socket", nl_geterror(error));
  }
  const timeval timeout{kTimeoutSeconds, 0};
  setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
             sizeof(timeout));
  return socket;
}

void AppendAddress(nl_object* object, void* argument) {
  auto& addresses = *static_cast<std::vector<IpAddress>*>(argument);
  // The peer's address of a point-to-point link is not ours.
  const nl_addr* local =
      rtnl_addr_get_local(reinterpret_cast<rtnl_addr*>(object));
  if (local == nullptr) return;
  Family family = Family::kIPv4;
  switch (nl_addr_get_family(local)) {
    case AF_INET:
      break;
    case AF_INET6:
      family = Family::kIPv6;
      break;
    default:
      return;
  }
  const auto* bytes =
      static_cast<const unsigned char*>(nl_addr_get_binary_addr(local));
  absl::uint128 bits = 0;
  for (unsigned i = 0; i < nl_addr_get_len(local); ++i)
    bits = (bits << 8) | bytes[i];
  addresses.push_back({family, bits});
}

absl::StatusOr<std::vector<IpAddress>> ListAddresses(nl_sock* socket) {
  nl_cache* cache = nullptr;
  // Begins anew by itself when addresses change on the way.
  if (int error = rtnl_addr_alloc_cache(socket, &cache); error < 0)
    return Refused("listing them", nl_geterror(error));
  std::vector<IpAddress> addresses;
  nl_cache_foreach(cache, AppendAddress, &addresses);
  nl_cache_free(cache);
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()),
                  addresses.end());
  return addresses;
}

}  // namespace

absl::StatusOr<std::vector<IpAddress>> ReadNodeAddresses() {
  ASSIGN_OR_RETURN(nl_sock * socket, OpenSocket());
  auto close = absl::MakeCleanup([socket] { nl_socket_free(socket); });
  return ListAddresses(socket);
}

NodeAddressWatcher::NodeAddressWatcher(nl_sock* events, nl_sock* requests)
    : events_(events), requests_(requests) {}

NodeAddressWatcher::~NodeAddressWatcher() {
  nl_socket_free(events_);
  nl_socket_free(requests_);
}

absl::StatusOr<std::unique_ptr<NodeAddressWatcher>>
NodeAddressWatcher::Create() {
  ASSIGN_OR_RETURN(nl_sock * events, OpenSocket());
  absl::StatusOr<nl_sock*> requests = OpenSocket();
  if (!requests.ok()) {
    nl_socket_free(events);
    return requests.status();
  }
  std::unique_ptr<NodeAddressWatcher> watcher(
      new NodeAddressWatcher(events, *requests));
  int error = nl_socket_set_nonblocking(events);
  // First the news, then the list: nothing falls between them.
  if (error >= 0) {
    error = nl_socket_add_memberships(events, RTNLGRP_IPV4_IFADDR,
                                      RTNLGRP_IPV6_IFADDR, RTNLGRP_NONE);
  }
  if (error < 0) return Refused("asking for changes", nl_geterror(error));
  ASSIGN_OR_RETURN(watcher->addresses_, ListAddresses(watcher->requests_));
  return watcher;
}

int NodeAddressWatcher::fd() const { return nl_socket_get_fd(events_); }

absl::StatusOr<bool> NodeAddressWatcher::Poll() {
  // What the messages say does not matter: a list cannot drift, and changes are
  // rare. So a datagram may be cut off at its first byte.
  for (;;) {
    char byte;
    if (recv(fd(), &byte, sizeof(byte), MSG_DONTWAIT) >= 0) {
      stale_ = true;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    // ENOBUFS: the kernel dropped some of what it had to tell.
    stale_ = true;
    if (errno != ENOBUFS) return Refused("reading changes", strerror(errno));
  }
  if (!stale_) return false;
  ASSIGN_OR_RETURN(std::vector<IpAddress> now, ListAddresses(requests_));
  stale_ = false;
  return std::exchange(addresses_, now) != now;
}

}  // namespace netpol
