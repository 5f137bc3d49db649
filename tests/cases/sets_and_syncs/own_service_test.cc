// C063: a pod that only ingress isolates reaches itself by its own service,
// though its packets come back with an address of the node.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"
#include "tests/cases/sets_and_syncs/memory_node.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/socket_address.h"

namespace netpol {
namespace {

constexpr char kPodAddress[] = "10.42.0.131";
constexpr char kServiceAddress[] = "10.43.10.3";
constexpr char kBridgeAddress[] = "10.42.0.1";

bool BecomesReady(int fd, int16_t events) {
  pollfd waiting = {fd, events, 0};
  return poll(&waiting, 1, /*timeout=*/5000) == 1;
}

// Connects from within the pod to `address`:80 while the pod listens on 8080;
// whom the pod then sees at the other end. Unavailable if it was refused.
absl::StatusOr<std::string> PeerSeen(const char* address) {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  SocketAddress here(*IpAddress::Parse(kPodAddress), 8080);
  if (bind(listener.get(), here.get(), here.size) != 0 ||
      listen(listener.get(), 1) != 0) {
    return absl::ErrnoToStatus(errno, "listening in the pod");
  }
  SocketAddress there(*IpAddress::Parse(address), 80);
  connect(client.get(), there.get(), there.size);
  if (!BecomesReady(client.get(), POLLOUT))
    return absl::UnavailableError("nobody answered");
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return absl::UnavailableError(std::strerror(error));
  SocketAddress peer;
  const FileDescriptor accepted(accept(listener.get(), peer.get(), &peer.size));
  if (!accepted.valid()) return absl::ErrnoToStatus(errno, "accepting");
  return peer.address().ToString();
}

class OwnServiceTest : public KernelCaseTest {
 protected:
  void SetUp() override {
    KernelCaseTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(Start());
    const CaseStep step = StepsOf("C063").at(0);
    TellStep(step);
    Sync();
    ExpectVerdicts(step.checks);
    // As a proxy does it that rewrites packets.
    Exec({LabTool("iptables"), "-t", "nat", "-A", "PREROUTING", "-d",
          kServiceAddress, "-p", "tcp", "--dport", "80", "-j", "DNAT",
          "--to-destination", absl::StrCat(kPodAddress, ":8080")});
    Exec({LabTool("iptables"), "-t", "nat", "-A", "POSTROUTING", "-s",
          kPodAddress, "-d", kPodAddress, "-j", "SNAT", "--to-source",
          kBridgeAddress});
  }

  absl::StatusOr<std::string> PeerSeenByPod() {
    std::string peer;
    const absl::Status ran =
        lab_->lab()
            .OwnerOf(*IpAddress::Parse(kPodAddress))
            ->Run([&]() -> absl::Status {
              ASSIGN_OR_RETURN(peer, PeerSeen(kServiceAddress));
              return absl::OkStatus();
            });
    if (!ran.ok()) return ran;
    return peer;
  }
};

TEST_F(OwnServiceTest, C063PodIsolatedInIngressReachesItselfByItsService) {
  const absl::StatusOr<std::string> peer = PeerSeenByPod();
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(*peer, kBridgeAddress);
}

TEST_F(OwnServiceTest, C063SoDoesAPodIsolatedInBothDirections) {
  // The API leaves this open; here the packet is judged after translation, and
  // then it goes from the pod to itself.
  Tell({Upsert(
      PolicyBuilder("self", "both").Types({"Ingress", "Egress"}).Build())});
  Sync();
  const absl::StatusOr<std::string> peer = PeerSeenByPod();
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(*peer, kBridgeAddress);
}

TEST_F(OwnServiceTest, C063ServiceOfAnotherPodIsRefusedByThatPod) {
  // The same way with another end, so that the above means something.
  Tell({Upsert(PodBuilder("self", "q")
                   .On("node-a")
                   .Ip("10.42.0.132")
                   .Phase("Running")
                   .Build())});
  Sync();
  ExpectVerdicts({{kPodAddress, "self/q", IPPROTO_TCP, 8080, false}});
  Exec({LabTool("iptables"), "-t", "nat", "-I", "PREROUTING", "-d",
        kServiceAddress, "-p", "tcp", "--dport", "80", "-j", "DNAT",
        "--to-destination", "10.42.0.132:8080"});
  EXPECT_EQ(PeerSeenByPod().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace netpol
