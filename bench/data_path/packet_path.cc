#include "bench/data_path/packet_path.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/lab/socket_address.h"

namespace netpol {
namespace {

constexpr uint16_t kFirstPort = 1024;  // of first packets
constexpr uint16_t kUnansweredPort = 40000;
constexpr uint16_t kEstablishedPort = 40001;

// How long a burst may take before its missing packets are given up.
constexpr std::chrono::seconds kPatience(1);

absl::Status Failed(const char* what) {
  return absl::ErrnoToStatus(errno, what);
}

// Sends whole packets of its own making to `pod`.
absl::StatusOr<FileDescriptor> OpenSender(const IpAddress& pod) {
  FileDescriptor fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd.valid()) return Failed("opening a raw socket");
  SocketAddress to(pod, 0);
  if (connect(fd.get(), to.get(), to.size) != 0)
    return Failed("connecting a raw socket");
  return fd;
}

// A UDP socket that throws away, and counts, what comes in.
absl::StatusOr<FileDescriptor> OpenSink(const IpAddress& address,
                                        uint16_t port) {
  FileDescriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failed("opening a UDP socket");
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program = {1, &nothing};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                 sizeof(program)) != 0)
    return Failed("attaching a socket filter");
  SocketAddress at(address, port);
  if (bind(fd.get(), at.get(), at.size) != 0)
    return Failed("binding a UDP socket");
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketPath>> PacketPath::Create(
    const IpAddress& client, const IpAddress& pod, uint16_t port) {
  LabOptions options;
  options.links.clear();
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create(options));
  RETURN_IF_ERROR(lab->AddRemote({client}));
  RETURN_IF_ERROR(lab->AddPod("measured", {pod}));
  std::unique_ptr<PacketPath> path(
      new PacketPath(std::move(lab), client, pod, port));
  RETURN_IF_ERROR(path->OpenSockets());
  return path;
}

PacketPath::PacketPath(std::unique_ptr<PacketLab> lab, const IpAddress& client,
                       const IpAddress& pod, uint16_t port)
    : lab_(std::move(lab)), client_(client), pod_(pod), port_(port) {
  Datagram datagram = FirstPacket({client, pod, IPPROTO_UDP, 0, port});
  // None (RFC 768), so that a source port is all that changes.
  memset(&datagram[sizeof(iphdr) + offsetof(udphdr, check)], 0, 2);
  batch_.fill(datagram);
}

absl::Status PacketPath::OpenSockets() {
  RETURN_IF_ERROR(lab_->OwnerOf(client_)->Run([this]() -> absl::Status {
    ASSIGN_OR_RETURN(sender_, OpenSender(pod_));
    ASSIGN_OR_RETURN(listener_, OpenSink(client_, kEstablishedPort));
    return absl::OkStatus();
  }));
  return lab_->OwnerOf(pod_)->Run([this]() -> absl::Status {
    ASSIGN_OR_RETURN(receiver_, OpenSink(pod_, port_));
    return absl::OkStatus();
  });
}

absl::Status PacketPath::Forget() {
  RETURN_IF_ERROR(node().Run(FlushConntrack));
  first_packets_ = 0;
  RETURN_IF_ERROR(SendOne(PacketKind::kUnanswered));
  RETURN_IF_ERROR(SendOne(PacketKind::kEstablished));
  SocketAddress back(client_, kEstablishedPort);
  if (sendto(receiver_.get(), "", 1, 0, back.get(), back.size) != 1)
    return Failed("sending the answer");
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> PacketPath::SendBurst(PacketKind kind,
                                                     int packets) {
  if (kind == PacketKind::kFirst && packets > first_packets_left()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "sending ", packets, " first packets: ", first_packets_left(),
        " are left; call Forget()"));
  }
  ASSIGN_OR_RETURN(const uint32_t before, Arrived());
  const auto start = std::chrono::steady_clock::now();
  for (int sent = 0; sent < packets; sent += kBatch) {
    Address(kind);
    RETURN_IF_ERROR(SendBatch());
  }
  auto end = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(uint32_t arrived, Arrived());
  // A busy kernel leaves the last ones to a thread of its own.
  while (arrived - before < static_cast<uint32_t>(packets) &&
         end - start < kPatience) {
    sched_yield();
    end = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(arrived, Arrived());
  }
  if (arrived - before != static_cast<uint32_t>(packets)) {
    return absl::DataLossError(absl::StrCat("sending ", packets,
                                            " packets: ", arrived - before,
                                            " arrived; the rules refuse them"));
  }
  return absl::FromChrono(end - start) / packets;
}

absl::StatusOr<uint32_t> PacketPath::Arrived() const {
  uint32_t figures[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(figures);
  if (getsockopt(receiver_.get(), SOL_SOCKET, SO_MEMINFO, figures, &size) != 0)
    return Failed("asking a socket for its count of packets");
  return figures[SK_MEMINFO_DROPS];
}

absl::Status PacketPath::SendBatch() {
  std::array<iovec, kBatch> data;
  std::array<mmsghdr, kBatch> messages = {};
  for (int i = 0; i < kBatch; ++i) {
    data[i] = {batch_[i].data(), batch_[i].size()};
    messages[i].msg_hdr.msg_iov = &data[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (int sent = 0; sent < kBatch;) {
    const int count =
        sendmmsg(sender_.get(), &messages[sent], kBatch - sent, 0);
    if (count < 0 && errno != EINTR) return Failed("sending packets");
    if (count > 0) sent += count;
  }
  return absl::OkStatus();
}

absl::Status PacketPath::SendOne(PacketKind kind) {
  ASSIGN_OR_RETURN(const uint32_t before, Arrived());
  Address(kind);
  if (send(sender_.get(), batch_[0].data(), batch_[0].size(), 0) < 0)
    return Failed("sending a packet");
  ASSIGN_OR_RETURN(const uint32_t after, Arrived());
  if (after != before) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "opening a flow from ", client_.ToString(), " to ", pod_.ToString(),
      " port ", port_, ": the packet did not arrive; the rules must allow it"));
}

void PacketPath::Address(PacketKind kind) {
  for (Datagram& datagram : batch_) {
    uint16_t port = kUnansweredPort;
    if (kind == PacketKind::kEstablished) port = kEstablishedPort;
    if (kind == PacketKind::kFirst)
      port = static_cast<uint16_t>(kFirstPort + first_packets_++);
    port = htons(port);
    memcpy(&datagram[sizeof(iphdr) + offsetof(udphdr, source)], &port,
           sizeof(port));
  }
}

}  // namespace netpol
