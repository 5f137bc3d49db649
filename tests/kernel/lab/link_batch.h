// Links, addresses, routes and neighbours of a namespace, by rtnetlink.
#ifndef NETPOL_TESTS_KERNEL_LAB_LINK_BATCH_H_
#define NETPOL_TESTS_KERNEL_LAB_LINK_BATCH_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

using MacAddress = std::array<uint8_t, 6>;

// An address as it stands on an interface: host bits count.
struct InterfaceAddress {
  IpAddress address;
  int length = 0;

  // Reads "address/length".
  static absl::StatusOr<InterfaceAddress> Parse(absl::string_view text);
};

// One end of a veth pair, or another link with a hardware address. The caller
// chooses the index, so that nothing has to be looked up afterwards; it must be
// free in its namespace.
struct VethEnd {
  std::string name;
  int index = 0;
  MacAddress mac = {};
};

// Collects changes to one namespace and makes them with one round of netlink
// messages (rtnetlink(7)). Later changes may build upon earlier ones.
//
// Thread-compatible. Holds the namespace while it lives.
class LinkBatch {
 public:
  static absl::StatusOr<LinkBatch> Open(const NetNs& ns);

  LinkBatch(LinkBatch&&) = default;
  LinkBatch& operator=(LinkBatch&&) = default;

  // A pair with `here` in this namespace and `there` in `peer`, both down.
  void AddVeth(const VethEnd& here, const VethEnd& there, const NetNs& peer);
  // A bridge that floods multicast to all ports and speaks no spanning tree.
  void AddBridge(const VethEnd& link);
  // A link becomes a port of the bridge. What it sent may go back out of it
  // (hairpin), as network plugins set it for pods.
  void AddPort(int index, int bridge);
  // A VXLAN tunnel (RFC 7348) whose other end is `remote`, at UDP port 8472 as
  // Linux and flannel have it.
  void AddVxlan(const VethEnd& link, uint32_t vni, const IpAddress& local,
                const IpAddress& remote);
  void SetUp(int index);
  // The other end of a veth pair goes too.
  void DeleteLink(int index);

  // Usable at once: no duplicate address detection, and an IPv6 local route
  // that does not wait for the kernel's own. No connected route
  // (noprefixroute). The link must be up.
  void AddAddress(int index, const InterfaceAddress& address);
  // Straight to the link.
  void AddHostRoute(int index, const IpAddress& destination);
  void AddRoute(int index, const IpPrefix& destination);
  // Everything else of the family by `gateway`, which need not be on the link.
  void AddDefaultRoute(int index, const IpAddress& gateway);
  // A permanent neighbour entry: no ARP, no neighbour discovery.
  void AddNeighbour(int index, const IpAddress& address, const MacAddress& mac);

  // Sends what was collected and forgets it. Stops at nothing: everything is
  // tried, the first refusal is returned, named by what it was about.
  absl::Status Commit();

  // For the end of a veth pair that was set up first, once the other is up:
  // makes the kernel see its carrier now. Left alone, that happens up to a
  // second later, and until then the link swallows what it should send.
  // FailedPrecondition if the other end is still down.
  absl::Status ActivateLink(const std::string& name) const;

 private:
  struct Request {
    std::string what;  // for the error
    std::vector<uint8_t> bytes;
  };

  explicit LinkBatch(FileDescriptor socket) : socket_(std::move(socket)) {}

  void AddLocalRoute(int index, const IpAddress& destination);
  absl::Status SendSome(size_t first, size_t count);

  FileDescriptor socket_;
  std::vector<Request> requests_;
  uint32_t sequence_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LINK_BATCH_H_
