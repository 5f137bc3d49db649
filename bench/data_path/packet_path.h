// What one packet costs between a client and a pod, through a node.
#ifndef NETPOL_BENCH_DATA_PATH_PACKET_PATH_H_
#define NETPOL_BENCH_DATA_PATH_PACKET_PATH_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// What a packet is to the node's connection tracking.
enum class PacketKind {
  // Of a flow that nobody has answered: NEW each time, no entry is made.
  kUnanswered,
  // Of an answered flow: ESTABLISHED.
  kEstablished,
  // The first of its flow: NEW, and the kernel makes an entry for it.
  kFirst,
};

inline constexpr PacketKind kPacketKinds[] = {
    PacketKind::kUnanswered, PacketKind::kEstablished, PacketKind::kFirst};

// Three network namespaces in a row over veth, client - node - pod, and UDP
// datagrams from the client to one port of the pod. Nobody reads them; they are
// counted and thrown away at the pod's socket. The rules under test go into
// node().
//
// A veth hands a packet over in a soft interrupt of the processor that sent it,
// and its send call returns when that is done: what the call takes is what the
// whole way takes, if no other processor lends a hand (receive packet steering
// is off for links as they are made).
//
// Thread-compatible. Needs root, see PacketLab. Everything vanishes with the
// object.
class PacketPath {
 public:
  // How many first packets there are between two calls of Forget().
  static constexpr int kFirstPackets = 32768;
  // Bursts are of a multiple of this.
  static constexpr int kBatch = 32;

  static absl::StatusOr<std::unique_ptr<PacketPath>> Create(
      const IpAddress& client, const IpAddress& pod, uint16_t port);

  PacketPath(const PacketPath&) = delete;
  PacketPath& operator=(const PacketPath&) = delete;

  const NetNs& node() const { return lab_->node(); }

  // Forgets every connection of the node, then makes the two flows that are not
  // of first packets: one packet for the unanswered one, one with its answer
  // for the established one. FailedPrecondition if a packet is lost: the rules
  // refuse it.
  absl::Status Forget();

  int first_packets_left() const { return kFirstPackets - first_packets_; }

  // Sends `packets`, a multiple of kBatch, and waits for all to arrive. The
  // time per packet. ResourceExhausted if there are not as many first packets
  // left, DataLoss if a packet did not arrive.
  absl::StatusOr<absl::Duration> SendBurst(PacketKind kind, int packets);

  // How many have arrived at the pod so far.
  absl::StatusOr<uint32_t> Arrived() const;

 private:
  using Datagram = std::vector<uint8_t>;  // with its IP header

  PacketPath(std::unique_ptr<PacketLab> lab, const IpAddress& client,
             const IpAddress& pod, uint16_t port);

  absl::Status OpenSockets();
  absl::Status SendBatch();
  absl::Status SendOne(PacketKind kind);
  // Puts the source ports of the next kBatch packets into them.
  void Address(PacketKind kind);

  std::unique_ptr<PacketLab> lab_;
  IpAddress client_;
  IpAddress pod_;
  uint16_t port_;
  FileDescriptor sender_;    // raw, of the client
  FileDescriptor listener_;  // of the client: takes the answer
  FileDescriptor receiver_;  // of the pod
  std::array<Datagram, kBatch> batch_;
  int first_packets_ = 0;  // sent since Forget()
};

}  // namespace netpol

#endif  // NETPOL_BENCH_DATA_PATH_PACKET_PATH_H_
