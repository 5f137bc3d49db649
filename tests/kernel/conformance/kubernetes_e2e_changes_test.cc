// The connectivity specs of Kubernetes' own end-to-end suite that are about
// several policies, and about policies, pods and namespaces that change.
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/matrix_policies.h"

namespace netpol {
namespace {

// Packets between two pods, one way; by one protocol to one port.
constexpr int kPair = 12;
constexpr int kPort = 2;

// ---- Several policies.

std::vector<ConformanceCase> StackedCases() {
  const k8s::NetworkPolicyPeer from_y = NamespacePeer(NamespaceCalled("y"));
  const auto tcp = [&](const char* name, int port) {
    return Upsert(IngressPolicy("x", name, "a")
                      .Ingress({from_y}, {NumberPort("TCP", port)})
                      .Build());
  };
  return {
      {"SecondPolicyOpensAnotherPort",
       "policies of one pod add up",
       {Step({tcp("81", 81)}, {DenyIn("x/a"), AllowIn("x/a", "y/*", "TCP 81")},
             8 * kPair - 3 * kPort),
        Step({tcp("80", 80)}, {DenyIn("x/a"), AllowIn("x/a", "y/*", "TCP")},
             8 * kPair - 6 * kPort)}},
      {"AllowAllIngressPrevails",
       "over a policy of one port, whichever was first",
       {Step({Upsert(IngressPolicy("x", "80")
                         .Ingress({}, {NumberPort("", 80)})
                         .Build())},
             {DenyIn("x/*"), AllowIn("x/*", "*", "TCP 80")},
             24 * (kPair - kPort)),
        Step({Upsert(IngressPolicy("x", "open").Ingress().Build())}, {}, 0)}},
      {"AllowAllEgressPrevails",
       "over a policy of one port, whichever was first",
       {Step({Upsert(EgressPolicy("x", "80")
                         .Egress({}, {NumberPort("", 80)})
                         .Build())},
             {DenyOut("x/*"), AllowOut("x/*", "*", "TCP 80")},
             24 * (kPair - kPort)),
        Step({Upsert(EgressPolicy("x", "open").Egress().Build())}, {}, 0)}},
      {"DenyAfterAllowTakesNothingAway",
       "a policy without rules only isolates",
       {Step(
            {Upsert(IngressPolicy("x", "to-a", "a").Ingress({from_y}).Build())},
            {DenyIn("x/a"), AllowIn("x/a", "y/*")}, 5 * kPair),
        Step({Upsert(IngressPolicy("x", "deny").Build())},
             {DenyIn("x/*"), AllowIn("x/a", "y/*")}, 21 * kPair),
        Step({Delete(IngressPolicy("x", "to-a", "a").Build())}, {DenyIn("x/*")},
             24 * kPair)}},
  };
}

// ---- Ingress and egress.

std::vector<ConformanceCase> BothDirectionsCases() {
  const k8s::NetworkPolicyPeer x_a =
      PodInNamespacePeer(NamespaceCalled("x"), PodCalled("a"));
  const k8s::NetworkPolicyPeer y_a =
      PodInNamespacePeer(NamespaceCalled("y"), PodCalled("a"));
  return {
      OneStep("IngressAndEgressOfOnePolicy", "each half is on its own",
              {PolicyBuilder("x", "both")
                   .Selects(PodCalled("a"))
                   .Types({"Egress", "Ingress"})
                   .Ingress({PodPeer(PodCalled("b"))})
                   .Egress({}, {NumberPort("", 80)})},
              {DenyIn("x/a"), AllowIn("x/a", "x/b"), DenyOut("x/a"),
               AllowOut("x/a", "*", "TCP 80")},
              7 * kPair + 8 * (kPair - kPort)),
      // x/a to y/b is let in, but not out: 7 from x/a, 7 others into y/a, 7
      // others into y/b.
      OneStep("EgressIsRefusedThoughTheServerAllows",
              "a packet needs both its ends",
              {EgressPolicy("x", "to-ya", "a").Egress({y_a}),
               IngressPolicy("y", "a-from-xa", "a").Ingress({x_a}),
               IngressPolicy("y", "b-from-xa", "b").Ingress({x_a})},
              {DenyOut("x/a"), AllowOut("x/a", "y/a"), DenyIn("y/a y/b"),
               AllowIn("y/a y/b", "x/a")},
              (7 + 7 + 7) * kPair),
      {"DirectionsAreControlledIndependently",
       "egress stays open when ingress is closed",
       {Step({Upsert(EgressPolicy("x", "out", "a").Egress().Build())}, {}, 0),
        Step({Upsert(IngressPolicy("x", "in", "a").Build())}, {DenyIn("x/a")},
             8 * kPair)}},
  };
}

// ---- Changes.

std::vector<ConformanceCase> PolicyChangeCases() {
  return {
      {"PolicyIsUpdated",
       "from everything to nothing, and back",
       {Step({Upsert(IngressPolicy("x", "p").Ingress().Build())}, {}, 0),
        Step({Upsert(IngressPolicy("x", "p").Build())}, {DenyIn("x/*")},
             24 * kPair),
        Step({Upsert(IngressPolicy("x", "p").Ingress().Build())}, {}, 0)}},
      {"PortIsUpdated",
       "only what the policy says now is open",
       {Step({Upsert(IngressPolicy("x", "p", "a")
                         .Ingress({}, {NumberPort("TCP", 80)})
                         .Build())},
             {DenyIn("x/a"), AllowIn("x/a", "*", "TCP 80")},
             8 * (kPair - kPort)),
        Step({Upsert(IngressPolicy("x", "p", "a")
                         .Ingress({}, {NumberPort("UDP", 81)})
                         .Build())},
             {DenyIn("x/a"), AllowIn("x/a", "*", "UDP 81")},
             8 * (kPair - kPort)),
        Step({Upsert(IngressPolicy("x", "p", "a")
                         .Ingress({}, {NamePort("SCTP", "serve-80-sctp")})
                         .Build())},
             {DenyIn("x/a"), AllowIn("x/a", "*", "SCTP 80")},
             8 * (kPair - kPort))}},
      {"DirectionIsUpdated",
       "from ingress to egress",
       {Step({Upsert(IngressPolicy("x", "p", "a").Build())}, {DenyIn("x/a")},
             8 * kPair),
        Step({Upsert(EgressPolicy("x", "p", "a").Build())}, {DenyOut("x/a")},
             8 * kPair)}},
  };
}

std::vector<ConformanceCase> DeletionCases() {
  return {
      {"PoliciesAreDeletedOneByOne",
       "each takes along what it alone did",
       {Step({Upsert(IngressPolicy("x", "deny").Build())}, {DenyIn("x/*")},
             24 * kPair),
        Step({Upsert(IngressPolicy("x", "to-a", "a")
                         .Ingress({PodPeer(PodCalled("b"))})
                         .Build())},
             {DenyIn("x/*"), AllowIn("x/a", "x/b")}, 23 * kPair),
        Step({Delete(IngressPolicy("x", "to-a", "a").Build())}, {DenyIn("x/*")},
             24 * kPair),
        Step({Delete(IngressPolicy("x", "deny").Build())}, {}, 0)}},
      {"PolicyIsDeleted",
       "what it refused passes again",
       {Step({Upsert(
                 PolicyBuilder("x", "p").Types({"Ingress", "Egress"}).Build())},
             {DenyIn("x/*"), DenyOut("x/*")}, 42 * kPair),
        Step({Delete(PolicyBuilder("x", "p").Build())}, {}, 0)}},
  };
}

std::vector<ConformanceCase> LabelChangeCases() {
  const v1::WatchEvent isolates =
      Upsert(PolicyBuilder("x", "p")
                 .Selects(LabelList{{"target", "isolated"}})
                 .Types({"Ingress"})
                 .Build());
  return {
      {"NamespaceGetsAndLosesALabel",
       "its pods are peers meanwhile",
       {Step({Upsert(IngressPolicy("x", "p", "a")
                         .Ingress(
                             {NamespacePeer(MatchLabels({{"ns2", "updated"}}))})
                         .Build())},
             {DenyIn("x/a")}, 8 * kPair),
        Step({Upsert(MatrixNamespace("y", {{"ns2", "updated"}}))},
             {DenyIn("x/a"), AllowIn("x/a", "y/*")}, 5 * kPair),
        Step({Upsert(MatrixNamespace("y"))}, {DenyIn("x/a")}, 8 * kPair)}},
      {"PeerGetsAndLosesALabel",
       "it is let in meanwhile",
       {Step({Upsert(IngressPolicy("x", "p", "a")
                         .Ingress({PodPeer(
                             MatchLabels({{"pod", "b"}, {"pod2", "updated"}}))})
                         .Build())},
             {DenyIn("x/a")}, 8 * kPair),
        Step({Upsert(MatrixPod("x", "b", {{"pod2", "updated"}}))},
             {DenyIn("x/a"), AllowIn("x/a", "x/b")}, 7 * kPair),
        Step({Upsert(MatrixPod("x", "b"))}, {DenyIn("x/a")}, 8 * kPair)}},
      {"TargetGetsAndLosesALabel",
       "it is isolated meanwhile",
       {Step({isolates}, {}, 0),
        Step({Upsert(MatrixPod("x", "a", {{"target", "isolated"}}))},
             {DenyIn("x/a")}, 8 * kPair),
        Step({Upsert(MatrixPod("x", "a"))}, {}, 0)}},
  };
}

std::vector<ConformanceCase> Cases() {
  std::vector<ConformanceCase> cases = StackedCases();
  for (const auto& more : {BothDirectionsCases(), PolicyChangeCases(),
                           DeletionCases(), LabelChangeCases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

class KubernetesChangesTest : public ConformanceSuite {};

TEST_P(KubernetesChangesTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, KubernetesChangesTest,
                         testing::ValuesIn(Cases()), CaseName);

}  // namespace
}  // namespace netpol
