// Services by translation, as kube-proxy and the portmap plugin write them.
#ifndef NETPOL_TESTS_KERNEL_PATHS_SERVICE_PROXY_H_
#define NETPOL_TESTS_KERNEL_PATHS_SERVICE_PROXY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// One address and port, and who answers there.
struct ServiceEntry {
  IpAddress address;
  uint16_t port = 0;
  IpAddress endpoint;
  uint16_t target = 0;
  uint8_t protocol = 6;
};

// Writes table nat of the lab's node with iptables-restore, the whole of it at
// each change. Service addresses are translated in PREROUTING and OUTPUT, that
// is before table filter; who needs it (a pod that gets back to itself, callers
// from outside 10.42.0.0/16 and fd00:42::/32, users of node and host ports) is
// masqueraded in POSTROUTING, that is after it, by the mark 0x4000.
//
// Thread-compatible. Borrows the lab.
class ServiceProxy {
 public:
  explicit ServiceProxy(const PacketLab* lab) : lab_(lab) {}

  // A cluster IP.
  absl::Status AddService(const ServiceEntry& entry);
  // At every address of the node, for traffic policy Cluster; `address` does
  // not count.
  absl::Status AddNodePort(const ServiceEntry& entry);
  // A host port: as above, but callers from elsewhere keep their address.
  absl::Status AddHostPort(const ServiceEntry& entry);

 private:
  // Rules of chains SERVICES and PORTS.
  struct Table {
    std::string services;
    std::string ports;
  };

  absl::Status Write(Family family) const;

  const PacketLab* lab_;
  Table tables_[2];  // by Family
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_PATHS_SERVICE_PROXY_H_
