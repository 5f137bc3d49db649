// The raw sockets of one namespace: packets out, packets and refusals in.
#ifndef NETPOL_TESTS_KERNEL_LAB_RAW_ENDPOINT_H_
#define NETPOL_TESTS_KERNEL_LAB_RAW_ENDPOINT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {

// A receiving socket, registered with an epoll instance under its own address.
struct RawListener {
  FileDescriptor socket;
  Family family = Family::kIPv4;
  uint8_t protocol = 0;
};

// What a listener heard.
enum class Heard { kArrival, kReject };

// Sends and hears raw packets in one namespace, which it holds. Sockets are
// opened when they are first wanted. A raw socket gets its copy of a packet
// after the INPUT hook (raw(7)), so what arrives here was let in.
//
// Thread-compatible.
class RawEndpoint {
 public:
  explicit RawEndpoint(NetNs ns) : ns_(std::move(ns)) {}

  RawEndpoint(const RawEndpoint&) = delete;
  RawEndpoint& operator=(const RawEndpoint&) = delete;

  const NetNs& ns() const { return ns_; }

  // Hears `protocol` of `family` from now on, once and for all with the first
  // `epoll` given. Its events carry a RawListener* of ours.
  absl::Status Listen(Family family, uint8_t protocol, int epoll);

  // Hands the first packet of `flow` to the kernel, whose source address need
  // not be configured here. False if a rule of the OUTPUT hook refused it on
  // the spot (EPERM).
  absl::StatusOr<bool> Send(const Flow& flow);

  // Reads all that waits at `listener`, without blocking.
  static absl::Status Drain(
      RawListener& listener,
      const std::function<void(const Flow&, Heard)>& heard);

 private:
  absl::StatusOr<int> Sender(Family family);

  NetNs ns_;
  FileDescriptor senders_[2];  // by family
  std::map<std::pair<Family, uint8_t>, std::unique_ptr<RawListener>> listeners_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_RAW_ENDPOINT_H_
