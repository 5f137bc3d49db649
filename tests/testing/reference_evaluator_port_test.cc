// Which ports a rule's entries mean, case by case from the API's text.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

constexpr char kWeb[] = "10.42.0.5";   // Local.
constexpr char kMain[] = "10.42.1.5";  // Remote, http is 80.
constexpr char kOdd[] = "10.42.1.6";   // Remote, http is 8080.
constexpr char kBare[] = "10.42.1.7";  // Remote, names nothing.
constexpr char kOutside[] = "192.0.2.1";

Cluster Base() {
  Cluster cluster;
  cluster.pods = {PodBuilder("shop", "web")
                      .On("node-a")
                      .Ip(kWeb)
                      .Label("role", "web")
                      .Port("http", 80)
                      .Port("http", 8080)
                      .Port("dns", 53, "UDP")
                      .Port("dns", 54)
                      .Port("", 99)
                      .InitPort(true, "mesh", 15000)
                      .InitPort(false, "setup", 4000)
                      .Port("broken", 70, "ICMP")
                      .Build(),
                  PodBuilder("shop", "main")
                      .On("node-b")
                      .Ip(kMain)
                      .Label("role", "peer")
                      .Port("http", 80)
                      .Build(),
                  PodBuilder("shop", "odd")
                      .On("node-b")
                      .Ip(kOdd)
                      .Label("role", "peer")
                      .Port("http", 8080)
                      .Build(),
                  PodBuilder("shop", "bare")
                      .On("node-b")
                      .Ip(kBare)
                      .Label("role", "peer")
                      .Build()};
  return cluster;
}

bool Allowed(const k8s::NetworkPolicy& policy, const std::string& source,
             const std::string& destination, uint8_t protocol, int port) {
  Cluster cluster = Base();
  cluster.policies.push_back(policy);
  return Evaluate(cluster, {.name = "node-a"},
                  {Ip(source), Ip(destination), protocol,
                   static_cast<uint16_t>(port)})
      .allowed;
}

struct PortCase {
  std::string what;
  k8s::NetworkPolicyPort entry;
  std::vector<int> tcp;  // The matched ones of kTried.
  std::vector<int> udp;
  std::vector<int> sctp;
};

const std::vector<int>& Tried() {
  static const auto* const kTried = new std::vector<int>{
      1, 53, 54, 70, 79, 80, 81, 99, 4000, 8080, 15000, 65535};
  return *kTried;
}

std::vector<PortCase> NumberCases() {
  const std::vector<int>& all = Tried();
  return {
      {"no protocol is TCP", NumberPort("", 80), {80}, {}, {}},
      {"TCP", NumberPort("TCP", 80), {80}, {}, {}},
      {"UDP", NumberPort("UDP", 53), {}, {53}, {}},
      {"SCTP", NumberPort("SCTP", 99), {}, {}, {99}},
      {"an empty entry is all of TCP", k8s::NetworkPolicyPort(), all, {}, {}},
      {"a protocol without port", ProtocolPort("UDP"), {}, all, {}},
      {"the first port", NumberPort("TCP", 1), {1}, {}, {}},
      {"the last port", NumberPort("TCP", 65535), {65535}, {}, {}},
      {"a range holds both its ends",
       RangePort("TCP", 79, 81),
       {79, 80, 81},
       {},
       {}},
      {"a range of one", RangePort("UDP", 80, 80), {}, {80}, {}},
      {"everything as a range", RangePort("SCTP", 1, 65535), {}, {}, all},
  };
}

std::vector<PortCase> InvalidCases() {
  k8s::NetworkPolicyPort named_range = NamePort("TCP", "http");
  named_range.set_end_port(9000);
  k8s::NetworkPolicyPort end_only = ProtocolPort("TCP");
  end_only.set_end_port(9000);
  k8s::NetworkPolicyPort empty_port = ProtocolPort("TCP");
  empty_port.mutable_port();
  k8s::NetworkPolicyPort empty_protocol = NumberPort("TCP", 80);
  empty_protocol.set_protocol("");
  k8s::NetworkPolicyPort odd_type = NumberPort("TCP", 80);
  odd_type.mutable_port()->set_type(2);
  k8s::NetworkPolicyPort string_wins = NumberPort("TCP", 80);
  string_wins.mutable_port()->set_type(1);
  return {
      {"an unknown protocol", NumberPort("ICMP", 80), {}, {}, {}},
      {"protocols are upper case", NumberPort("tcp", 80), {}, {}, {}},
      {"an unknown protocol without port", ProtocolPort("ESP"), {}, {}, {}},
      {"a protocol that is present but empty", empty_protocol, {}, {}, {}},
      {"port 0", NumberPort("TCP", 0), {}, {}, {}},
      {"a negative port", NumberPort("TCP", -1), {}, {}, {}},
      {"port 65536", NumberPort("TCP", 65536), {}, {}, {}},
      {"a port that is 80 in 16 bits", NumberPort("TCP", 65616), {}, {}, {}},
      {"an endPort below its port", RangePort("TCP", 81, 79), {}, {}, {}},
      {"an endPort of 0", RangePort("TCP", 80, 0), {}, {}, {}},
      {"an endPort too high", RangePort("TCP", 80, 65536), {}, {}, {}},
      {"a range from 0", RangePort("TCP", 0, 80), {}, {}, {}},
      {"an endPort without port", end_only, {}, {}, {}},
      {"an endPort with a name", named_range, {}, {}, {}},
      {"a port that is present but empty", empty_port, {}, {}, {}},
      {"neither number nor string", odd_type, {}, {}, {}},
      {"the type decides, not the value", string_wins, {}, {}, {}},
      {"a quoted number is a name", NamePort("TCP", "80"), {}, {}, {}},
  };
}

std::vector<PortCase> NameCases() {
  return {
      {"a name may give several numbers",
       NamePort("", "http"),
       {80, 8080},
       {},
       {}},
      {"name and protocol belong together: TCP",
       NamePort("TCP", "dns"),
       {54},
       {},
       {}},
      {"name and protocol belong together: UDP",
       NamePort("UDP", "dns"),
       {},
       {53},
       {}},
      {"a name of a sidecar", NamePort("TCP", "mesh"), {15000}, {}, {}},
      {"a name of an init container that ends",
       NamePort("TCP", "setup"),
       {},
       {},
       {}},
      {"a name that nobody has", NamePort("TCP", "nobody"), {}, {}, {}},
      {"a name of another protocol", NamePort("SCTP", "http"), {}, {}, {}},
      {"the empty name is not that of unnamed ports",
       NamePort("TCP", ""),
       {},
       {},
       {}},
      {"a container port of an unknown protocol",
       NamePort("TCP", "broken"),
       {},
       {},
       {}},
  };
}

void ExpectMatches(const std::vector<PortCase>& cases) {
  for (const PortCase& test : cases) {
    const k8s::NetworkPolicy policy =
        PolicyBuilder("shop", "p").Ingress({}, {test.entry}).Build();
    const auto matched = [&policy](uint8_t protocol) {
      std::vector<int> ports;
      for (int port : Tried()) {
        if (Allowed(policy, kOutside, kWeb, protocol, port)) {
          ports.push_back(port);
        }
      }
      return ports;
    };
    EXPECT_EQ(matched(IPPROTO_TCP), test.tcp) << test.what;
    EXPECT_EQ(matched(IPPROTO_UDP), test.udp) << test.what;
    EXPECT_EQ(matched(IPPROTO_SCTP), test.sctp) << test.what;
  }
}

TEST(ReferenceEvaluatorPortTest, NumbersAndRangesMatchTheirPorts) {
  ExpectMatches(NumberCases());
}

TEST(ReferenceEvaluatorPortTest, InvalidEntriesMatchNothing) {
  ExpectMatches(InvalidCases());
}

TEST(ReferenceEvaluatorPortTest, NamesAreLookedUpOnTheSelectedPod) {
  ExpectMatches(NameCases());
}

TEST(ReferenceEvaluatorPortTest, NameOfPortZeroMatchesNothing) {
  Cluster cluster;
  cluster.pods = {
      PodBuilder("shop", "web").On("node-a").Ip(kWeb).Port("zero", 0).Build()};
  cluster.policies = {PolicyBuilder("shop", "p")
                          .Ingress({}, {NamePort("TCP", "zero")})
                          .Build()};
  EXPECT_FALSE(Evaluate(cluster, {.name = "node-a"},
                        {Ip(kOutside), Ip(kWeb), IPPROTO_TCP, 0})
                   .allowed);
}

TEST(ReferenceEvaluatorPortTest, RuleWithoutPortsIsEveryProtocol) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p").Ingress({BlockPeer("192.0.2.0/24")}).Build();
  for (uint8_t protocol :
       {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP}) {
    EXPECT_TRUE(Allowed(policy, kOutside, kWeb, protocol, 0));
  }
}

TEST(ReferenceEvaluatorPortTest, PortEntryIsNeverIcmp) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p").Ingress({}, {ProtocolPort("TCP")}).Build();
  EXPECT_FALSE(Allowed(policy, kOutside, kWeb, IPPROTO_ICMP, 0));
}

TEST(ReferenceEvaluatorPortTest, EntriesAreAlternativesWithinTheirRule) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p")
          .Ingress({BlockPeer("192.0.2.0/24")},
                   {NumberPort("TCP", 80), NumberPort("UDP", 53)})
          .Ingress({BlockPeer("10.42.1.5/32")}, {NumberPort("TCP", 81)})
          .Build();
  EXPECT_TRUE(Allowed(policy, kOutside, kWeb, IPPROTO_TCP, 80));
  EXPECT_TRUE(Allowed(policy, kOutside, kWeb, IPPROTO_UDP, 53));
  EXPECT_TRUE(Allowed(policy, kMain, kWeb, IPPROTO_TCP, 81));
  EXPECT_FALSE(Allowed(policy, kOutside, kWeb, IPPROTO_TCP, 81));
  EXPECT_FALSE(Allowed(policy, kMain, kWeb, IPPROTO_TCP, 80));
}

TEST(ReferenceEvaluatorPortTest, OneInvalidEntryDoesNotSpoilItsRule) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p")
          .Ingress({}, {RangePort("TCP", 81, 79), NumberPort("TCP", 443)})
          .Build();
  EXPECT_TRUE(Allowed(policy, kOutside, kWeb, IPPROTO_TCP, 443));
  EXPECT_FALSE(Allowed(policy, kOutside, kWeb, IPPROTO_TCP, 81));
}

struct EgressNameCase {
  std::string what;
  PolicyBuilder::Peers to;
  std::string destination;
  int port;
  bool allowed;
};

TEST(ReferenceEvaluatorPortTest, EgressNamesAreLookedUpOnTheDestination) {
  const k8s::NetworkPolicyPeer peers = PodPeer(MatchLabels({{"role", "peer"}}));
  const std::vector<EgressNameCase> cases = {
      {"its own number", {peers}, kMain, 80, true},
      {"another pod's number", {peers}, kMain, 8080, false},
      {"its own other number", {peers}, kOdd, 8080, true},
      {"the source's number", {peers}, kOdd, 80, false},
      {"a pod that names nothing", {peers}, kBare, 80, false},
      {"any peer, a pod", {}, kMain, 80, true},
      {"any peer, another number", {}, kMain, 81, false},
      {"any peer, no pod", {}, kOutside, 80, false},
      {"a block, a pod", {BlockPeer("10.42.1.0/24")}, kOdd, 8080, true},
      {"a block, no pod", {BlockPeer("192.0.2.0/24")}, kOutside, 80, false},
  };
  for (const EgressNameCase& test : cases) {
    const k8s::NetworkPolicy policy =
        PolicyBuilder("shop", "p")
            .Selects({{"role", "web"}})
            .Types({"Egress"})
            .Egress(test.to, {NamePort("TCP", "http")})
            .Build();
    EXPECT_EQ(Allowed(policy, kWeb, test.destination, IPPROTO_TCP, test.port),
              test.allowed)
        << test.what;
  }
}

// Peer and name must be right for the same pod, not each for another owner.
TEST(ReferenceEvaluatorPortTest, EgressNameIsThatOfTheOwnerThatMatches) {
  Cluster cluster = Base();
  cluster.pods.push_back(PodBuilder("bank", "twin")
                             .On("node-b")
                             .Ip(kMain)
                             .Port("http", 7000)
                             .Build());
  cluster.policies = {
      PolicyBuilder("shop", "p")
          .Types({"Egress"})
          .Egress({PodPeer(MatchLabels())}, {NamePort("TCP", "http")})
          .Build()};
  const auto allowed = [&cluster](uint16_t port) {
    return Evaluate(cluster, {.name = "node-a"},
                    {Ip(kWeb), Ip(kMain), IPPROTO_TCP, port})
        .allowed;
  };
  EXPECT_TRUE(allowed(80));
  EXPECT_FALSE(allowed(7000));
}

}  // namespace
}  // namespace netpol
