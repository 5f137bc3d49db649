// kube-router's end-to-end tests as tables: x/a is the server, or the client
// where egress is meant; 80 stands for its port and 81 for the other one.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/matrix_policies.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

// Packets between two pods, one way; by one protocol to one port; to all 8
// others.
constexpr int kPair = 12;
constexpr int kPort = 2;
constexpr int kAll = 8 * kPair;

using Events = std::vector<v1::WatchEvent>;

k8s::LabelSelector Label(const std::string& key, const std::string& value) {
  return MatchLabels({{key, value}});
}

// Policies of x/a in the one direction or the other, and what is true then.
class XaSide : public PolicySide {
 public:
  explicit XaSide(const PolicySide& side) : PolicySide(side) {}

  std::string Named(const std::string& name) const {
    return absl::StrCat(type(), name);
  }
  PolicyBuilder Xa(const std::string& name) const {
    return Policy("x", name).Selects(PodCalled("a"));
  }
  // One rule of these peers and ports.
  v1::WatchEvent Rule(const PolicyBuilder::Peers& peers,
                      const PolicyBuilder::Ports& ports = {}) const {
    return Upsert(With(Xa("p"), peers, ports).Build());
  }
  MatrixExpectations Closed() const { return {Deny("x/a")}; }
  MatrixExpectations OpenTo(const std::string& peers,
                            const std::string& traffic = "") const {
    return {Deny("x/a"), Allow("x/a", peers, traffic)};
  }
  // What is true after `events`; `refused` packets of pods do not arrive.
  ConformanceCase Case(const std::string& name, const std::string& meaning,
                       const Events& events, const MatrixExpectations& expected,
                       int refused) const {
    return {Named(name), meaning, {Step(events, expected, refused)}};
  }
};

// ---- Peers.

std::vector<ConformanceCase> SelectorCases(const XaSide& side) {
  const v1::WatchEvent b_allowed =
      Upsert(MatrixPod("x", "b", {{"role", "allowed"}}));
  const v1::WatchEvent c_denied =
      Upsert(MatrixPod("x", "c", {{"role", "denied"}}));
  const v1::WatchEvent y_allowed =
      Upsert(MatrixNamespace("y", {{"team", "allowed"}}));
  const v1::WatchEvent yb_allowed =
      Upsert(MatrixPod("y", "b", {{"role", "allowed"}}));
  return {
      {side.Named("DenyAll"),
       "no peer gets through, though it did before",
       {Step({}, {}, 0),
        Step({Upsert(side.Xa("deny").Build())}, side.Closed(), kAll)}},
      side.Case("PodSelector", "role=allowed of its own namespace",
                {b_allowed, c_denied, yb_allowed,
                 side.Rule({PodPeer(Label("role", "allowed"))})},
                side.OpenTo("x/b"), 7 * kPair),
      side.Case(
          "NamespaceSelector", "team=allowed",
          {y_allowed, side.Rule({NamespacePeer(Label("team", "allowed"))})},
          side.OpenTo("y/*"), 5 * kPair),
      side.Case("NamespaceAndPodSelector",
                "the wrong pod of the right namespace is refused",
                {y_allowed, yb_allowed, b_allowed,
                 side.Rule({PodInNamespacePeer(Label("team", "allowed"),
                                               Label("role", "allowed"))})},
                side.OpenTo("y/b"), 7 * kPair),
  };
}

std::vector<ConformanceCase> BlockCases(const XaSide& side) {
  const std::string y_b = "10.42.0.34/32";
  return {
      side.Case("BlockOfOneAddress", "of y/b, in IPv4",
                {side.Rule({BlockPeer(y_b)})}, side.OpenTo("y/b", "IPv4"),
                kAll - kPair / 2),
      side.Case("EverythingExceptOneAddress", "0.0.0.0/0 is IPv4 alone",
                {side.Rule({BlockPeer("0.0.0.0/0", {y_b})})},
                {side.Deny("x/a"), side.Allow("x/a", "*", "IPv4"),
                 side.Deny("x/a", "y/b")},
                kAll / 2 + kPair / 2),
      side.Case("IPv6BlockOfOneAddress", "of y/b, in IPv6",
                {side.Rule({BlockPeer("fd00:42::22/128")})},
                side.OpenTo("y/b", "IPv6"), kAll - kPair / 2),
      side.Case("EverythingInIPv6", "::/0 has every address",
                {side.Rule({BlockPeer("::/0")})}, side.OpenTo("*", "IPv6"),
                kAll / 2),
  };
}

// ---- Ports.

std::vector<ConformanceCase> PortCases(const XaSide& side) {
  const v1::WatchEvent deny = Upsert(side.Xa("deny").Build());
  const v1::WatchEvent b_serves =
      Upsert(MatrixPod("x", "b", {{"app", "server"}}));
  return {
      side.Case("OnePort", "the other is refused",
                {side.Rule({}, {NumberPort("TCP", 80)})},
                side.OpenTo("*", "TCP 80"), 8 * (kPair - kPort)),
      side.Case("PortRange", "what is beyond its end is refused",
                {side.Rule({}, {RangePort("TCP", 70, 80)})},
                side.OpenTo("*", "TCP 80"), 8 * (kPair - kPort)),
      side.Case("NamedPort", "of the pod that is called",
                {side.Rule({}, {NamePort("TCP", "serve-80-tcp")})},
                side.OpenTo(side.ingress() ? "*" : "*/*", "TCP 80"),
                8 * (kPair - kPort)),
      side.Case("NamedPortOfPods", "with app=server at the other end",
                {b_serves, side.Rule({PodPeer(Label("app", "server"))},
                                     {NamePort("TCP", "serve-80-tcp")})},
                side.OpenTo("x/b", "TCP 80"), kAll - kPort),
      side.Case(
          "NameThatNobodyHas", "opens nothing, for pods neither",
          {side.Rule({PodPeer(PodCalled("b"))}, {NamePort("TCP", "absent")})},
          side.Closed(), kAll),
      {side.Named("DenyThenEmptyRule"),
       "a second policy opens everything",
       {Step({deny}, side.Closed(), kAll), Step({side.Rule({})}, {}, 0)}},
      {side.Named("DenyThenProtocolAlone"),
       "a second policy opens every port of TCP",
       {Step({deny}, side.Closed(), kAll),
        Step({side.Rule({}, {ProtocolPort("TCP")})}, side.OpenTo("*", "TCP"),
             8 * (kPair - 2 * kPort))}},
      side.Case("UdpPortOnly", "TCP is refused, to the API server too",
                {side.Rule({}, {NumberPort("UDP", 80)})},
                side.OpenTo("*", "UDP 80"), 8 * (kPair - kPort)),
  };
}

// ---- Several rules and policies.

std::vector<ConformanceCase> SeveralCases(const XaSide& side) {
  const Events groups = {Upsert(MatrixPod("x", "b", {{"group", "a"}})),
                         Upsert(MatrixPod("x", "c", {{"group", "b"}})),
                         Upsert(MatrixPod("x", "d", {{"group", "c"}}))};
  const PolicyBuilder::Peers a = {PodPeer(Label("group", "a"))};
  const PolicyBuilder::Peers b = {PodPeer(Label("group", "b"))};
  Events two_rules = groups;
  two_rules.push_back(Upsert(side.With(side.With(side.Xa("p"), a), b).Build()));
  Events two_policies = groups;
  two_policies.push_back(Upsert(side.With(side.Xa("p-a"), a).Build()));
  two_policies.push_back(Upsert(side.With(side.Xa("p-b"), b).Build()));
  // Of the nine others x/d and the six of y and z are refused.
  return {
      side.Case("TwoRules", "groups a and b, not c", two_rules,
                side.OpenTo("x/b x/c"), 7 * kPair),
      side.Case("TwoPolicies", "one for each group", two_policies,
                side.OpenTo("x/b x/c"), 7 * kPair),
      {side.Named("DenyThenDeleted"),
       "what was refused passes again",
       {Step({Upsert(side.Xa("deny").Build())}, side.Closed(), kAll),
        Step({Delete(side.Xa("deny").Build())}, {}, 0)}},
      {side.Named("LongestPolicyName"),
       "253 characters, as the API allows",
       {Step({Upsert(MatrixPod("x", "b", {{"app", "client"}})),
              Upsert(side.With(side.Xa(std::string(253, 'p')),
                               {PodPeer(Label("app", "client"))})
                         .Build())},
             side.OpenTo("x/b"), 7 * kPair),
        Step({Delete(side.Xa(std::string(253, 'p')).Build())}, {}, 0)}},
  };
}

// Pods of one policy whose other direction is open to everybody: that one does
// not open this one.
ConformanceCase HalvesAreApart(const XaSide& side, const XaSide& other) {
  return side.Case(
      "HalvesOfAPolicyAreApart", "this half has no rule, the other all",
      {Upsert(other.With(PolicyBuilder("x", "p").Types({"Ingress", "Egress"}))
                  .Build())},
      {side.Deny("x/*")}, 24 * kPair);
}

// ---- Changes.

// x/d with the addresses of x/b, and none of its labels.
k8s::Pod Successor() {
  k8s::Pod pod = MatrixPodLabelled("x", "d", {});
  *pod.mutable_status() = MatrixPod("x", "b").status();
  return pod;
}

std::vector<ConformanceCase> ChangeCases(const XaSide& side) {
  const v1::WatchEvent to_privileged =
      side.Rule({PodPeer(Label("role", "privileged"))});
  return {
      {side.Named("PodIsRelabelled"),
       "refused, then not",
       {Step({to_privileged}, side.Closed(), kAll),
        Step({Upsert(MatrixPod("x", "b", {{"role", "privileged"}}))},
             side.OpenTo("x/b"), 7 * kPair)}},
      {side.Named("NamespaceIsRelabelled"),
       "refused, then not",
       {Step({side.Rule({NamespacePeer(Label("env", "prod"))})}, side.Closed(),
             kAll),
        Step({Upsert(MatrixNamespace("y", {{"env", "prod"}}))},
             side.OpenTo("y/*"), 5 * kPair)}},
      {side.Named("AddressIsReused"),
       "the new pod has the address and not the rights",
       {Step({to_privileged,
              Upsert(MatrixPod("x", "b", {{"role", "privileged"}}))},
             side.OpenTo("x/b"), 7 * kPair),
        Step({Delete(MatrixPod("x", "b")), Upsert(Successor())}, side.Closed(),
             kAll)}},
      {side.Named("AddressIsReusedBeforeItsOwnerIsGone"),
       "once it is gone the new pod has none of its rights",
       {Step({to_privileged,
              Upsert(MatrixPod("x", "b", {{"role", "privileged"}}))},
             side.OpenTo("x/b"), 7 * kPair),
        Step({Upsert(Successor()), Delete(MatrixPod("x", "b"))}, side.Closed(),
             kAll)}},
  };
}

std::vector<ConformanceCase> Cases() {
  std::vector<ConformanceCase> cases = {
      {"NoPolicy", "everything passes, in both families", {Step({}, {}, 0)}}};
  for (const PolicySide& direction : kPolicySides) {
    const XaSide side(direction);
    for (const auto& more :
         {SelectorCases(side), BlockCases(side), PortCases(side),
          SeveralCases(side), ChangeCases(side)})
      cases.insert(cases.end(), more.begin(), more.end());
    cases.push_back(HalvesAreApart(side, XaSide(PolicySide(!side.ingress()))));
  }
  return cases;
}

class KubeRouterE2eTest : public ConformanceSuite {};

TEST_P(KubeRouterE2eTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, KubeRouterE2eTest, testing::ValuesIn(Cases()),
                         CaseName);

}  // namespace
}  // namespace netpol
