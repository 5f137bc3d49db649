// What arrives at a namespace, whatever its own rules and sockets make of it.
#ifndef NETPOL_TESTS_KERNEL_LAB_PACKET_TAP_H_
#define NETPOL_TESTS_KERNEL_LAB_PACKET_TAP_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_reader.h"

namespace netpol {

// Hears every IP packet that comes in by a link of a namespace, of both
// families, checksums unverified (packet(7)). Not what the namespace itself
// sends, and nothing of its loopback.
//
// Thread-compatible.
class PacketTap {
 public:
  using Wanted = std::function<bool(const IpPacket&)>;

  // Hears from now on.
  static absl::StatusOr<PacketTap> Open(const NetNs& ns);

  // Reads on until a packet is `wanted`: true. False when nothing wanted came
  // for `limit`. What was read before is not looked at again.
  absl::StatusOr<bool> Hears(const Wanted& wanted,
                             absl::Duration limit = absl::Seconds(3));

 private:
  explicit PacketTap(FileDescriptor socket) : socket_(std::move(socket)) {}

  FileDescriptor socket_;
};

// Hands a whole IP packet, header included, to the kernel of `ns` as one of its
// own, whatever its source address. False if a rule of the OUTPUT hook refused
// it on the spot.
absl::StatusOr<bool> SendRawPacket(const NetNs& ns,
                                   absl::Span<const uint8_t> packet);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_PACKET_TAP_H_
