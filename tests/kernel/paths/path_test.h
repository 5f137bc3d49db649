// A small cluster in the lab, enforced, for one family and one wiring of pods.
#ifndef NETPOL_TESTS_KERNEL_PATHS_PATH_TEST_H_
#define NETPOL_TESTS_KERNEL_PATHS_PATH_TEST_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_server.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/packet_tap.h"
#include "tests/kernel/lab/tcp_pair.h"

namespace netpol {

// How the pods of a node are joined: each by a route of its own, or as ports of
// one bridge.
enum class Wiring { kRouted, kBridged };

struct PathKind {
  Family family = Family::kIPv4;
  Wiring wiring = Wiring::kRouted;
};

std::ostream& operator<<(std::ostream& os, const PathKind& kind);

// Both families, with these wirings.
std::vector<PathKind> PathKinds(const std::vector<Wiring>& wirings);
inline std::vector<PathKind> AllPathKinds() {
  return PathKinds({Wiring::kRouted, Wiring::kBridged});
}

// "IPv4Routed", for INSTANTIATE_TEST_SUITE_P.
std::string PathKindName(const testing::TestParamInfo<PathKind>& info);

// Node node-a with pods client, web and other of namespace shop, labelled
// app=<name>; pod remote (app=remote) of node-b; and two strangers. All have
// addresses of both families, written here by number: pod 10 is 10.42.0.10 and
// fd00:42::10. The ruleset under test is in the node's kernel from Enforce() on
// and follows Tell().
class PathTest : public LabFixture,
                 public testing::WithParamInterface<PathKind> {
 protected:
  // Before SetUp(): how the lab is to be.
  virtual LabOptions Options() const;

  void SetUp() override;
  void TearDown() override;

  static Family family() { return GetParam().family; }
  static bool bridged() { return GetParam().wiring == Wiring::kBridged; }
  // By the family of this test.
  static IpAddress Pick(absl::string_view v4, absl::string_view v6);
  static IpAddress LocalPod(int n);
  static IpAddress RemotePod(int n);
  static IpAddress Outside(int n);
  static IpAddress ServiceIp(int n);

  static IpAddress Client() { return LocalPod(10); }
  static IpAddress Web() { return LocalPod(11); }
  static IpAddress Other() { return LocalPod(12); }
  static IpAddress Remote() { return RemotePod(10); }
  static IpAddress Stranger() { return Outside(7); }
  static IpAddress Guest() { return Outside(8); }
  // Of the node: its uplink's, and that of the pods' bridge.
  static IpAddress Node() { return Pick("172.31.0.1", "fd00:31::1"); }
  static IpAddress NodeOnBridge() { return Pick("10.42.0.1", "fd00:42::1"); }

  // A pod of shop on node-a: in the lab and in the cluster.
  void AddLocalPod(absl::string_view name, int number);
  static k8s::Pod PodObject(absl::string_view name, int number,
                            absl::string_view node);

  // Of namespace shop. Selects app=`app`.
  static PolicyBuilder Policy(absl::string_view app,
                              const std::vector<std::string>& types);
  static k8s::NetworkPolicyPeer App(absl::string_view app);
  // The block of one address.
  static k8s::NetworkPolicyPeer Only(const IpAddress& address);

  // Brings cluster_ and these policies into the kernel, from nothing.
  void Enforce(std::vector<k8s::NetworkPolicy> policies,
               LayoutOptions layout = LayoutOptions());
  // One more event, enforced at once.
  void Tell(const v1::WatchEvent& event);
  // The node forgets all connections.
  void ForgetConnections();

  ProbeOutcome Probe(const IpAddress& from, const IpAddress& to,
                     uint8_t protocol, uint16_t port = 0);
  ProbeOutcome Tcp(const IpAddress& from, const IpAddress& to, uint16_t port);

  // The namespace of the owner of an address.
  const NetNs& At(const IpAddress& address) const;
  // A server that answers "<name> sees <address of the client>". Lives as long
  // as the test; null, and the test fails, if it cannot be.
  LabServer* Serve(const IpAddress& at, absl::string_view name, uint16_t port,
                   uint8_t protocol = 6);
  LabServer* ServeText(const IpAddress& at, uint16_t port, uint8_t protocol,
                       LabServer::Answer answer);
  // What it answered, or "refused", or "silent" after a while.
  std::string CallTo(const IpAddress& from, const IpAddress& to, uint16_t port,
                     uint8_t protocol = 6);
  // A connection to port 80 of `server`; not OK if there is none.
  absl::StatusOr<TcpPair> Open(const IpAddress& client,
                               const IpAddress& server);
  PacketTap Tap(const IpAddress& at) const;
  // Sends a packet by a raw socket of `from`; whether `to` then heard one with
  // this source and protocol. The second waits only shortly for it.
  bool Arrives(const IpAddress& from, const IpAddress& to,
               const std::vector<uint8_t>& packet);
  bool StaysAway(const IpAddress& from, const IpAddress& to,
                 const std::vector<uint8_t>& packet);

  // A program on the node, in the family's variant and the lab's flavour if its
  // name begins with "iptables"; the test fails unless it succeeds. Its output.
  std::string NodeTool(std::vector<std::string> argv);

  Cluster cluster_;
  std::unique_ptr<PacketLab> lab_;

 private:
  bool SendAndHear(const IpAddress& from, const IpAddress& to,
                   const std::vector<uint8_t>& packet, absl::Duration limit);

  std::vector<std::unique_ptr<LabServer>> servers_;
  std::unique_ptr<Controller> controller_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_PATHS_PATH_TEST_H_
