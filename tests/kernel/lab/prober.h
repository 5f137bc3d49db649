// Asks the kernel what becomes of packets, by sending them.
#ifndef NETPOL_TESTS_KERNEL_LAB_PROBER_H_
#define NETPOL_TESTS_KERNEL_LAB_PROBER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/lab/raw_endpoint.h"

namespace netpol {

// What became of a packet. It is allowed if it arrived, whatever its receiver
// then answered; rejected if it did not and the source was told "port
// unreachable"; dropped if nothing was heard of it.
enum class ProbeOutcome { kAllowed, kRejected, kDropped };

std::ostream& operator<<(std::ostream& os, ProbeOutcome outcome);

// A packet that opens a connection. `port` is the destination's; ICMP echo
// requests (IPPROTO_ICMP, IPPROTO_ICMPV6) have none.
struct ProbeSpec {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;
  uint16_t port = 0;
};

struct ProberOptions {
  // How long nothing may be heard before the undecided count as dropped.
  absl::Duration quiet = absl::Milliseconds(60);
  // Probes in flight; more go in several rounds, each with its own wait. Well
  // below net.core.netdev_max_backlog, or else the kernel itself drops some.
  size_t window = 512;
};

// Sends probes and watches both ends. It must be told who owns which address.
// A destination without an owner can be seen to be rejected, never to be
// allowed: such a probe then counts as dropped.
//
// Thread-compatible.
class Prober {
 public:
  static absl::StatusOr<std::unique_ptr<Prober>> Create(ProberOptions options);

  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // `endpoint` sends from and hears for `address`; it is borrowed until
  // Disown(). An address has one owner: AlreadyExists.
  absl::Status Own(const IpAddress& address, RawEndpoint* endpoint);
  void Disown(const IpAddress& address);
  // Null if nobody owns it.
  RawEndpoint* OwnerOf(const IpAddress& address) const;

  // One outcome per spec, in order. Each probe is a new flow with a source port
  // that was not used for some ten thousand probes. InvalidArgument if a source
  // has no owner, the families differ or the protocol is not one of Flow's.
  absl::StatusOr<std::vector<ProbeOutcome>> Probe(
      absl::Span<const ProbeSpec> specs);

  // The same for packets of exactly these flows, all different.
  absl::StatusOr<std::vector<ProbeOutcome>> SendFlows(
      absl::Span<const Flow> flows);

  // A source port for the next flow.
  uint16_t NextPort();

 private:
  enum class State { kWaiting, kRejected, kArrived };

  // One window's worth of probes.
  struct Round {
    absl::flat_hash_map<Flow, size_t> index;
    std::vector<State> states;
    size_t waiting = 0;
  };

  Prober(ProberOptions options, FileDescriptor epoll);

  absl::Status ListenFor(const Flow& flow);
  absl::StatusOr<std::vector<ProbeOutcome>> RunRound(
      absl::Span<const Flow> flows);
  absl::Status AwaitNews(Round& round);
  // Reads what is there, waiting for it up to `limit`; whether there was any.
  absl::StatusOr<bool> Collect(Round& round, absl::Duration limit);

  ProberOptions options_;
  FileDescriptor epoll_;
  absl::flat_hash_map<IpAddress, RawEndpoint*> owners_;
  uint16_t next_port_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_PROBER_H_
