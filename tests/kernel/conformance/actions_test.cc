// Policies and labels that change, step by step.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {
namespace {

const LabelList kA = {{"pod", "a"}};

k8s::NetworkPolicyPeer Ns(const std::string& name) {
  return NamespacePeer(MatchLabels({{"ns", name}}));
}

k8s::NetworkPolicyPeer Pod(const std::string& pod) {
  return PodPeer(MatchLabels({{"pod", pod}}));
}

PolicyBuilder In(const char* ns, const char* name = "in") {
  return PolicyBuilder(ns, name).Types({"Ingress"});
}

PolicyBuilder Out(const char* ns, const char* name = "out") {
  return PolicyBuilder(ns, name).Types({"Egress"});
}

v1::WatchEvent Tell(const PolicyBuilder& policy) {
  return Upsert(policy.Build());
}

v1::WatchEvent Drop(const PolicyBuilder& policy) {
  return Delete(policy.Build());
}

// --- Policies. ---------------------------------------------------------------

std::vector<ConformanceCase> PolicyCases() {
  const PolicyBuilder from_y = In("x").Selects(kA).Ingress({Ns("y")});
  const PolicyBuilder deny = In("x", "deny").Selects(kA);
  const MatrixExpectations only_y = {DenyIn("x/a"), AllowIn("x/a", "y/*")};
  const auto tcp80 = NumberPort("TCP", 80);
  const auto udp81 = NamePort("UDP", "serve-81-udp");
  return {
      {"CreateAndDelete",
       "a policy comes and goes",
       {{{Tell(from_y)}, only_y, 60}, {{Drop(from_y)}, {}, 0}}},
      {"CreateTwiceDeleteTwice",
       "and comes again",
       {{{Tell(from_y)}, only_y, 60},
        {{Drop(from_y)}, {}, 0},
        {{Tell(from_y)}, only_y, 60},
        {{Drop(from_y)}, {}, 0}}},
      {"DeleteAndCreateAtOnce",
       "a policy of one name follows another",
       {{{Tell(from_y)}, only_y, 60},
        {{Drop(from_y), Tell(Out("x", "in").Selects({{"pod", "b"}}))},
         {DenyOut("x/b")},
         96}}},
      {"CreateAndDeleteAtOnce",
       "what was never enforced leaves nothing",
       {{{Tell(from_y), Drop(from_y)}, {}, 0}}},
      {"UpdatePorts",
       "another port, then none",
       {{{Tell(In("x").Selects(kA).Ingress({Ns("y")}, {tcp80}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/*", "TCP 80")},
         90},
        {{Tell(In("x").Selects(kA).Ingress({Ns("y")}, {udp81}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/*", "UDP 81")},
         90},
        {{Tell(from_y)}, only_y, 60}}},
      {"UpdatePeers",
       "another namespace, then both",
       {{{Tell(from_y)}, only_y, 60},
        {{Tell(In("x").Selects(kA).Ingress({Ns("z")}))},
         {DenyIn("x/a"), AllowIn("x/a", "z/*")},
         60},
        {{Tell(In("x").Selects(kA).Ingress({Ns("z"), Ns("y")}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/* z/*")},
         24}}},
      {"UpdateSelector",
       "other pods are isolated, the old ones are free",
       {{{Tell(from_y)}, only_y, 60},
        {{Tell(In("x").Selects({{"pod", "b"}}).Ingress({Ns("y")}))},
         {DenyIn("x/b"), AllowIn("x/b", "y/*")},
         60},
        {{Tell(In("x").Ingress({Ns("y")}))},
         {DenyIn("x/*"), AllowIn("x/*", "y/*")},
         180},
        {{Tell(In("x").Selects({{"pod", "d"}}).Ingress({Ns("y")}))}, {}, 0}}},
      {"UpdateTypes",
       "one direction, the other, both",
       {{{Tell(PolicyBuilder("x", "p").Selects(kA).Types({"Ingress"}))},
         {DenyIn("x/a")},
         96},
        {{Tell(PolicyBuilder("x", "p").Selects(kA).Types({"Egress"}))},
         {DenyOut("x/a")},
         96},
        {{Tell(
             PolicyBuilder("x", "p").Selects(kA).Types({"Ingress", "Egress"}))},
         {DenyIn("x/a"), DenyOut("x/a")},
         192},
        {{Tell(PolicyBuilder("x", "p").Selects(kA))}, {DenyIn("x/a")}, 96}}},
      {"AllowAllToDenyAll",
       "an empty rule goes and comes",
       {{{Tell(In("x").Ingress())}, {}, 0},
        {{Tell(In("x"))}, {DenyIn("x/*")}, 288},
        {{Tell(In("x").Ingress())}, {}, 0}}},
      {"OneOfTwoGoes",
       "the other policy still isolates",
       {{{Tell(deny), Tell(from_y)}, only_y, 60},
        {{Drop(from_y)}, {DenyIn("x/a")}, 96},
        {{Drop(deny)}, {}, 0}}},
      {"DenyGoesAllowStays",
       "an allowing policy isolates by itself",
       {{{Tell(deny), Tell(from_y)}, only_y, 60}, {{Drop(deny)}, only_y, 60}}},
      {"OneTightensOneWidens",
       "in one batch",
       {{{Tell(from_y), Tell(Out("y").Selects(kA))},
         {DenyIn("x/a"), AllowIn("x/a", "y/*"), DenyOut("y/a")},
         60 + 96},
        {{Tell(In("x").Selects(kA)), Tell(Out("y").Selects(kA).Egress())},
         {DenyIn("x/a")},
         96}}},
      {"ExceptsGrowAndShrink",
       "a block's hole moves",
       {{{Tell(In("x").Selects(kA).Ingress({BlockPeer("10.42.0.0/24")}))},
         {DenyIn("x/a"), AllowIn("x/a", "*/*", "IPv4")},
         48},
        {{Tell(In("x").Selects(kA).Ingress(
             {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"})}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/* z/*", "IPv4")},
         66},
        {{Tell(In("x").Selects(kA).Ingress(
             {BlockPeer("10.42.0.0/24", {"10.42.0.34/32"})}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/* y/a y/c z/*", "IPv4")},
         54},
        {{Tell(In("x").Selects(kA).Ingress({BlockPeer("0.0.0.0/0")}))},
         {DenyIn("x/a"), AllowIn("x/a", "*", "IPv4")},
         48}}},
      {"RulesComeAndGo",
       "one rule more, one less, in another order",
       {{{Tell(from_y)}, only_y, 60},
        {{Tell(In("x").Selects(kA).Ingress({Ns("z")}).Ingress({Ns("y")}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/* z/*")},
         24},
        {{Tell(In("x").Selects(kA).Ingress({Ns("y")}).Ingress({Ns("z")}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/* z/*")},
         24},
        {{Tell(In("x").Selects(kA).Ingress({Ns("z")}))},
         {DenyIn("x/a"), AllowIn("x/a", "z/*")},
         60}}},
      {"NothingHappens",
       "time passes, and the same is told again",
       {{{Tell(from_y)}, only_y, 60},
        {{}, only_y, 60},
        {{Tell(from_y), Upsert(MatrixPod("y", "b")),
          Upsert(MatrixNamespace("y"))},
         only_y,
         60}}},
  };
}

// --- Labels. -----------------------------------------------------------------

std::vector<ConformanceCase> LabelCases() {
  const PolicyBuilder by_space = In("x").Selects(kA).Ingress(
      {NamespacePeer(MatchLabels({{"new", "yes"}}))});
  const PolicyBuilder by_pod = In("x").Selects(kA).Ingress({PodInNamespacePeer(
      MatchExpression("ns", "In", {"y", "z"}), MatchLabels({{"new", "yes"}}))});
  const PolicyBuilder target = In("x").Selects({{"shut", "yes"}});
  const PolicyBuilder out = Out("x").Selects(kA).Egress({Ns("y")});
  return {
      {"NamespaceIsLabelled",
       "a namespace becomes a peer and no longer is",
       {{{Tell(by_space)}, {DenyIn("x/a")}, 96},
        {{Upsert(MatrixNamespace("y", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/*")},
         60},
        {{Upsert(MatrixNamespace("y", {{"new", "no"}}))}, {DenyIn("x/a")}, 96},
        {{Upsert(MatrixNamespace("y", {{"new", "yes"}})),
          Upsert(MatrixNamespace("z", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/* z/*")},
         24},
        {{Upsert(MatrixNamespace("y"))},
         {DenyIn("x/a"), AllowIn("x/a", "z/*")},
         60}}},
      {"NamespacesSwapLabels",
       "y is called z, and z is called y",
       {{{Tell(out)}, {DenyOut("x/a"), AllowOut("x/a", "y/*")}, 60},
        {{Upsert(MakeNamespace("y", {{"ns", "z"}})),
          Upsert(MakeNamespace("z", {{"ns", "y"}}))},
         {DenyOut("x/a"), AllowOut("x/a", "z/*")},
         60}}},
      {"NamespaceLosesAllLabels",
       "a selector by name still finds it not",
       {{{Tell(out)}, {DenyOut("x/a"), AllowOut("x/a", "y/*")}, 60},
        {{Upsert(MakeNamespace("y"))}, {DenyOut("x/a")}, 96}}},
      {"OwnNamespaceIsLabelled",
       "the policy's own namespace may be chosen",
       {{{Tell(by_space)}, {DenyIn("x/a")}, 96},
        {{Upsert(MatrixNamespace("x", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/*")},
         72}}},
      {"PodIsLabelled",
       "a pod becomes a peer and no longer is",
       {{{Tell(by_pod)}, {DenyIn("x/a")}, 96},
        {{Upsert(MatrixPod("y", "b", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/b")},
         84},
        {{Upsert(MatrixPod("z", "a", {{"new", "yes"}})),
          Upsert(MatrixPod("x", "b", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "y/b z/a")},
         72},
        {{Upsert(MatrixPod("y", "b"))},
         {DenyIn("x/a"), AllowIn("x/a", "z/a")},
         84}}},
      {"TargetIsLabelled",
       "a pod becomes isolated and no longer is",
       {{{Tell(target)}, {}, 0},
        {{Upsert(MatrixPod("x", "b", {{"shut", "yes"}}))}, {DenyIn("x/b")}, 96},
        {{Upsert(MatrixPod("x", "a", {{"shut", "yes"}})),
          Upsert(MatrixPod("y", "a", {{"shut", "yes"}}))},
         {DenyIn("x/a x/b")},
         192},
        {{Upsert(MatrixPod("x", "b", {{"shut", "no"}}))}, {DenyIn("x/a")}, 96},
        {{Upsert(MatrixPod("x", "a"))}, {}, 0}}},
      {"PodsSwapLabels",
       "a is called b, and b is called a",
       {{{Tell(In("x").Selects(kA).Ingress({Pod("b")}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/b")},
         84},
        {{Upsert(MatrixPodLabelled("x", "a", {{"pod", "b"}})),
          Upsert(MatrixPodLabelled("x", "b", {{"pod", "a"}}))},
         {DenyIn("x/b"), AllowIn("x/b", "x/a")},
         84}}},
      {"PodLosesAllLabels",
       "it is nobody's target and nobody's peer",
       {{{Tell(In("x").Selects(kA).Ingress({Pod("b")})),
          Tell(In("y").Selects(kA))},
         {DenyIn("x/a y/a"), AllowIn("x/a", "x/b")},
         84 + 96},
        {{Upsert(MatrixPodLabelled("x", "b", {})),
          Upsert(MatrixPodLabelled("y", "a", {}))},
         {DenyIn("x/a")},
         96}}},
      {"LabelForNotIn",
       "a label takes a pod out of NotIn",
       {{{Tell(In("x").Selects(kA).Ingress(
             {PodPeer(MatchExpression("new", "NotIn", {"yes"}))}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/*")},
         72},
        {{Upsert(MatrixPod("x", "b", {{"new", "yes"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/c")},
         84},
        {{Upsert(MatrixPod("x", "b", {{"new", "no"}}))},
         {DenyIn("x/a"), AllowIn("x/a", "x/*")},
         72}}},
      {"LabelForExists",
       "Exists and DoesNotExist follow the key",
       {{{Tell(In("x").Selects(kA).Ingress(
              {NamespacePeer(MatchExpression("new", "Exists"))})),
          Tell(Out("x").Selects(kA).Egress(
              {NamespacePeer(MatchExpression("new", "DoesNotExist"))}))},
         {DenyIn("x/a"), DenyOut("x/a"), AllowOut("x/a", "*/*")},
         96},
        {{Upsert(MatrixNamespace("z", {{"new", ""}}))},
         {DenyIn("x/a"), AllowIn("x/a", "z/*"), DenyOut("x/a"),
          AllowOut("x/a", "x/* y/*")},
         60 + 36}}},
  };
}

class ActionsTest : public ConformanceSuite {};

TEST_P(ActionsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Policy, ActionsTest, testing::ValuesIn(PolicyCases()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Label, ActionsTest, testing::ValuesIn(LabelCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
