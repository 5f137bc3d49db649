// The connectivity specs of Kubernetes' own end-to-end suite that are about
// ports, protocols and blocks.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/matrix_policies.h"

namespace netpol {
namespace {

// Packets between two pods, one way; by one protocol to one port; by one
// protocol.
constexpr int kPair = 12;
constexpr int kPort = 2;
constexpr int kProtocol = 4;

// Everybody reaches x/a, by `traffic` alone; `packets` of each pair.
ConformanceCase XaServes(const std::string& name, const std::string& meaning,
                         const PolicyBuilder::Ports& ports,
                         const std::string& traffic, int packets) {
  MatrixExpectations expected = {DenyIn("x/a")};
  if (!traffic.empty()) expected.push_back(AllowIn("x/a", "*", traffic));
  return OneStep(name, meaning,
                 {IngressPolicy("x", "ports", "a").Ingress({}, ports)},
                 expected, 8 * (kPair - packets));
}

std::vector<ConformanceCase> NumberCases() {
  const k8s::NetworkPolicyPeer from_y = NamespacePeer(NamespaceCalled("y"));
  std::vector<ConformanceCase> cases;
  for (const char* protocol : {"TCP", "UDP", "SCTP"}) {
    cases.push_back(OneStep(
        absl::StrCat("PortFromANamespace", protocol),
        "81 for y, not 80, not for others, by no other protocol",
        {IngressPolicy("x", "81", "a")
             .Ingress({from_y}, {NumberPort(protocol, 81)})},
        {DenyIn("x/a"), AllowIn("x/a", "y/*", absl::StrCat(protocol, " 81"))},
        8 * kPair - 3 * kPort));
    cases.push_back(XaServes(absl::StrCat("AnyPortOf", protocol),
                             "a protocol alone is all of its ports",
                             {ProtocolPort(protocol)}, protocol, kProtocol));
    cases.push_back(XaServes(absl::StrCat("OnePortOf", protocol),
                             "one protocol is not taken for another",
                             {NumberPort(protocol, 81)},
                             absl::StrCat(protocol, " 81"), kPort));
  }
  cases.push_back(XaServes("PortWithoutProtocol", "is TCP",
                           {NumberPort("", 80)}, "TCP 80", kPort));
  cases.push_back(OneStep(
      "SeveralPorts", "each is allowed",
      {IngressPolicy("x", "ports", "a")
           .Ingress({}, {NumberPort("TCP", 80), NumberPort("UDP", 81)})},
      {DenyIn("x/a"), AllowIn("x/a", "*", "TCP 80"),
       AllowIn("x/a", "*", "UDP 81")},
      8 * (kPair - 2 * kPort)));
  return cases;
}

std::vector<ConformanceCase> RangeCases() {
  return {
      XaServes("RangeOfBoth", "80 to 81", {RangePort("TCP", 80, 81)}, "TCP",
               2 * kPort),
      XaServes("RangeThatBeginsLater", "81 to 90", {RangePort("TCP", 81, 90)},
               "TCP 81", kPort),
      XaServes("RangeThatEndsBefore", "70 to 80", {RangePort("UDP", 70, 80)},
               "UDP 80", kPort),
      XaServes("RangeOfOne", "80 to 80", {RangePort("SCTP", 80, 80)}, "SCTP 80",
               kPort),
      XaServes("RangeOfNeither", "82 to 90", {RangePort("TCP", 82, 90)}, "", 0),
      XaServes("EveryPort", "1 to 65535", {RangePort("TCP", 1, 65535)}, "TCP",
               2 * kPort),
      OneStep("EgressRange", "81 to 90 wherever it goes",
              {EgressPolicy("x", "range", "a")
                   .Egress({}, {RangePort("TCP", 81, 90)})},
              {DenyOut("x/a"), AllowOut("x/a", "*", "TCP 81")},
              8 * (kPair - kPort)),
  };
}

std::vector<ConformanceCase> NameCases() {
  return {
      OneStep("NamedPortOfANamespace", "81 of every pod of x",
              {IngressPolicy("x", "name")
                   .Ingress({}, {NamePort("", "serve-81-tcp")})},
              {DenyIn("x/*"), AllowIn("x/*", "*", "TCP 81")},
              24 * (kPair - kPort)),
      OneStep("NamedPortForANamespace", "80 of x/a for y",
              {IngressPolicy("x", "name", "a")
                   .Ingress({NamespacePeer(NamespaceCalled("y"))},
                            {NamePort("TCP", "serve-80-tcp")})},
              {DenyIn("x/a"), AllowIn("x/a", "y/*", "TCP 80")},
              8 * kPair - 3 * kPort),
      // Only pods have names for their ports.
      OneStep("NamedPortOfEgress", "80 of whatever pod calls it that",
              {EgressPolicy("x", "name")
                   .Egress({}, {NamePort("", "serve-80-tcp")})},
              {DenyOut("x/*"), AllowOut("x/*", "*/*", "TCP 80")},
              24 * (kPair - kPort)),
      OneStep("NamedPortsOfBothDirections", "each is looked up at its end",
              {PolicyBuilder("x", "names")
                   .Selects(PodCalled("a"))
                   .Types({"Ingress", "Egress"})
                   .Ingress({}, {NamePort("TCP", "serve-80-tcp")})
                   .Egress({}, {NamePort("UDP", "serve-81-udp")})},
              {DenyIn("x/a"), AllowIn("x/a", "*", "TCP 80"), DenyOut("x/a"),
               AllowOut("x/a", "*/*", "UDP 81")},
              2 * 8 * (kPair - kPort)),
      XaServes("NamedSctpPort", "does not open TCP of the same number",
               {NamePort("SCTP", "serve-81-sctp")}, "SCTP 81", kPort),
      XaServes("NameOfAnotherProtocol", "is nobody's",
               {NamePort("SCTP", "serve-81-tcp")}, "", 0),
      XaServes("NameThatNobodyHas", "opens nothing", {NamePort("", "absent")},
               "", 0),
  };
}

// x is denied as a whole, and one protocol is opened on x/a.
std::vector<ConformanceCase> DeniedNamespaceCases() {
  return {
      OneStep("SctpIsNotTcp", "SCTP 81 of x/a is all that is open in x",
              {IngressPolicy("x", "deny"),
               IngressPolicy("x", "sctp", "a")
                   .Ingress({}, {NumberPort("SCTP", 81)})},
              {DenyIn("x/*"), AllowIn("x/a", "*", "SCTP 81")},
              24 * kPair - 8 * kPort),
      // As a cluster's DNS would be allowed.
      OneStep("EgressToOneServerByUdpAndTcp", "x may ask z/a on 81 alone",
              {EgressPolicy("x", "dns")
                   .Egress({PodInNamespacePeer(NamespaceCalled("z"),
                                               PodCalled("a"))},
                           {NumberPort("UDP", 81), NumberPort("TCP", 81)})},
              {DenyOut("x/*"), AllowOut("x/*", "z/a", "UDP TCP 81")},
              24 * kPair - 3 * 2 * kPort),
  };
}

std::vector<ConformanceCase> BlockCases() {
  // x/b, y/b and all pods.
  const std::vector<std::string> x_b = {"10.42.0.18/32", "fd00:42::12/128"};
  const std::vector<std::string> y_b = {"10.42.0.34/32", "fd00:42::22/128"};
  const std::vector<std::string> all = {"10.42.0.0/24", "fd00:42::/64"};
  const PolicyBuilder all_but_x_b =
      EgressPolicy("x", "block", "a")
          .Egress({BlockPeer(all[0], {x_b[0]}), BlockPeer(all[1], {x_b[1]})});
  const PolicyBuilder::Peers to_x_b = {BlockPeer(x_b[0]), BlockPeer(x_b[1])};
  const PolicyBuilder other = EgressPolicy("x", "block-2", "a").Egress(to_x_b);
  const MatrixExpectations pods_but_x_b = {
      DenyOut("x/a"), AllowOut("x/a", "*/*"), DenyOut("x/a", "x/b")};
  const MatrixExpectations only_x_b = {DenyOut("x/a"), AllowOut("x/a", "x/b")};
  return {
      OneStep("EgressToABlock", "to y/b by its addresses",
              {EgressPolicy("x", "block", "a")
                   .Egress({BlockPeer(y_b[0]), BlockPeer(y_b[1])})},
              {DenyOut("x/a"), AllowOut("x/a", "y/b")}, 7 * kPair),
      OneStep("EgressToABlockOfOneFamily", "the other family is closed",
              {EgressPolicy("x", "block", "a").Egress({BlockPeer(y_b[0])})},
              {DenyOut("x/a"), AllowOut("x/a", "y/b", "IPv4")},
              8 * kPair - kPair / 2),
      OneStep("EgressToABlockExcept", "to all pods but x/b", {all_but_x_b},
              pods_but_x_b, kPair),
      {"ExceptionThatIsThenAllowed",
       "the policy is changed to the exception alone",
       {Step({Upsert(all_but_x_b.Build())}, pods_but_x_b, kPair),
        Step({Upsert(EgressPolicy("x", "block", "a").Egress(to_x_b).Build())},
             only_x_b, 7 * kPair)}},
      {"ExceptionThatAnotherPolicyAllows",
       "what one policy leaves out another may allow, whichever comes first",
       {Step({Upsert(all_but_x_b.Build())}, pods_but_x_b, kPair),
        Step({Upsert(other.Build())}, {DenyOut("x/a"), AllowOut("x/a", "*/*")},
             0),
        Step({Delete(all_but_x_b.Build())}, only_x_b, 7 * kPair),
        Step({Upsert(all_but_x_b.Build())},
             {DenyOut("x/a"), AllowOut("x/a", "*/*")}, 0)}},
  };
}

std::vector<ConformanceCase> Cases() {
  std::vector<ConformanceCase> cases = NumberCases();
  for (const auto& more :
       {RangeCases(), NameCases(), DeniedNamespaceCases(), BlockCases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

class KubernetesPortsTest : public ConformanceSuite {};

TEST_P(KubernetesPortsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, KubernetesPortsTest, testing::ValuesIn(Cases()),
                         CaseName);

}  // namespace
}  // namespace netpol
