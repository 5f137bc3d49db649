// The connectivity specs of Kubernetes' own end-to-end suite that are about
// whom a policy isolates and whom it lets in, with every port and protocol.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/matrix_policies.h"

namespace netpol {
namespace {

// Packets between two pods, one way.
constexpr int kPair = 12;

// x/a lets in `peers`, each of which suffices, and nobody else.
ConformanceCase XaLetsIn(const std::string& name, const std::string& meaning,
                         const PolicyBuilder::Peers& peers,
                         const std::string& who, int refused_pairs) {
  MatrixExpectations expected = {DenyIn("x/a")};
  if (!who.empty()) expected.push_back(AllowIn("x/a", who));
  return OneStep(name, meaning,
                 {IngressPolicy("x", "to-a", "a").Ingress(peers)}, expected,
                 refused_pairs * kPair);
}

std::vector<ConformanceCase> DefaultDenyCases() {
  return {
      OneStep("DefaultDenyIngress", "nothing gets into x; all else goes on",
              {IngressPolicy("x", "deny")}, {DenyIn("x/*")}, 24 * kPair),
      OneStep("DefaultDenyEgress", "nothing gets out of x; all else goes on",
              {EgressPolicy("x", "deny")}, {DenyOut("x/*")}, 24 * kPair),
      // The six pairs within x are closed at both ends.
      OneStep("DefaultDenyAll", "nothing gets into x or out of it",
              {PolicyBuilder("x", "deny").Types({"Ingress", "Egress"})},
              {DenyIn("x/*"), DenyOut("x/*")}, (24 + 24 - 6) * kPair),
      OneStep("DenyEgressOfOnePod", "the others of x are not meant",
              {EgressPolicy("x", "deny", "a")}, {DenyOut("x/a")}, 8 * kPair),
      OneStep("AllowAllIngress", "an empty rule is as no policy",
              {IngressPolicy("x", "open").Ingress()}, {}, 0),
      OneStep("AllowAllEgress", "an empty rule is as no policy",
              {EgressPolicy("x", "open").Egress()}, {}, 0),
      // All pods are meant, but only pods.
      OneStep(
          "AllowToOneTargetOfADeniedNamespace",
          "a second policy opens x/a for every pod",
          {IngressPolicy("x", "deny"),
           IngressPolicy("x", "to-a", "a")
               .Ingress({PodInNamespacePeer(MatchLabels(), MatchLabels())})},
          {DenyIn("x/*"), AllowIn("x/a", "*/*")}, 16 * kPair),
  };
}

std::vector<ConformanceCase> PodSelectorCases() {
  return {
      XaLetsIn("PodOfOwnNamespace", "pod=b is that of x, not that of y",
               {PodPeer(PodCalled("b"))}, "x/b", 7),
      XaLetsIn("PodByExpression", "the same as In [b]", {PodPeer(PodIn({"b"}))},
               "x/b", 7),
      XaLetsIn("EitherOfTwoPods", "two peers are alternatives",
               {PodPeer(PodCalled("b")), PodPeer(PodCalled("c"))}, "x/b x/c",
               6),
      OneStep("OwnNamespaceOnly", "an empty pod selector is all of x",
              {IngressPolicy("x", "own").Ingress({PodPeer(MatchLabels())})},
              {DenyIn("x/*"), AllowIn("x/*", "x/*")}, 18 * kPair),
  };
}

std::vector<ConformanceCase> NamespaceSelectorCases() {
  return {
      XaLetsIn("EveryNamespace", "an empty namespace selector is every pod",
               {NamespacePeer(MatchLabels())}, "*/*", 0),
      XaLetsIn("NamespaceByDefaultLabel", "y by kubernetes.io/metadata.name",
               {NamespacePeer(NamespaceCalled("y"))}, "y/*", 5),
      XaLetsIn("NamespaceByLabel", "y by a label of its own",
               {NamespacePeer(MatchLabels({{"ns", "y"}}))}, "y/*", 5),
      XaLetsIn("NamespaceByExpression", "the same as In [y]",
               {NamespacePeer(NamespaceIn({"y"}))}, "y/*", 5),
      XaLetsIn("OtherNamespaces", "all but y by NotIn",
               {NamespacePeer(NamespaceNotIn({"y"}))}, "x/* z/*", 3),
      OneStep("EgressToOtherNamespaces", "all but y by NotIn",
              {EgressPolicy("x", "not-y", "a")
                   .Egress({NamespacePeer(NamespaceNotIn({"y"}))})},
              {DenyOut("x/a"), AllowOut("x/a", "x/* z/*")}, 3 * kPair),
  };
}

std::vector<ConformanceCase> BothSelectorsCases() {
  const k8s::LabelSelector not_x = NamespaceNotIn({"x"});
  return {
      XaLetsIn("PodOrNamespace", "in two peers either suffices",
               {NamespacePeer(not_x), PodPeer(PodCalled("b"))}, "x/b y/* z/*",
               1),
      XaLetsIn("PodAndNamespace", "in one peer both must hold",
               {PodInNamespacePeer(not_x, PodCalled("b"))}, "y/b z/b", 6),
      XaLetsIn("SeveralPodsAndNamespaces", "In [b, c] outside of x",
               {PodInNamespacePeer(not_x, PodIn({"b", "c"}))},
               "y/b y/c z/b z/c", 4),
      XaLetsIn("OnePodOfAnotherNamespace", "y/a alone",
               {PodInNamespacePeer(NamespaceCalled("y"), PodCalled("a"))},
               "y/a", 7),
      OneStep("EgressToOnePodOfAnotherNamespace", "to y/a alone",
              {EgressPolicy("x", "to-ya", "a")
                   .Egress({PodInNamespacePeer(NamespaceCalled("y"),
                                               PodCalled("a"))})},
              {DenyOut("x/a"), AllowOut("x/a", "y/a")}, 7 * kPair),
  };
}

// A pod on the host's network is the node: no policy selects it, no selector
// means it, and it gets in everywhere on its own node.
std::vector<ConformanceCase> HostNetworkCases() {
  const v1::WatchEvent host_pod = Upsert(PodBuilder("x", "h")
                                             .On("node-a")
                                             .Ip("172.31.0.1")
                                             .Ip("fd00:31::1")
                                             .Label("pod", "h")
                                             .Phase("Running")
                                             .HostNetwork()
                                             .Build());
  return {
      {"HostNetworkPodIsNotSelected",
       "a policy for it closes nothing",
       {Step({host_pod, Upsert(PolicyBuilder("x", "deny-h")
                                   .Selects(PodCalled("h"))
                                   .Types({"Ingress", "Egress"})
                                   .Build())},
             {}, 0)}},
      {"HostNetworkPodIsNoPeer",
       "a selector that would mean it means nobody",
       {Step({host_pod,
              Upsert(IngressPolicy("x", "from-h", "a")
                         .Ingress({PodPeer(PodCalled("h"))})
                         .Build()),
              Upsert(EgressPolicy("x", "to-h", "b")
                         .Egress({PodPeer(PodCalled("h"))})
                         .Build())},
             // x/b to x/a is closed at both ends.
             {DenyIn("x/a"), DenyOut("x/b")}, (8 + 8 - 1) * kPair)}},
      {"HostNetworkPodIsReachedByBlock",
       "by the address of the node",
       {Step({host_pod, Upsert(EgressPolicy("x", "to-node", "b")
                                   .Egress({BlockPeer("172.31.0.1/32"),
                                            BlockPeer("fd00:31::1/128")})
                                   .Build())},
             {DenyOut("x/b"), AllowOut("x/b", "node")}, 8 * kPair)}},
  };
}

std::vector<ConformanceCase> Cases() {
  std::vector<ConformanceCase> cases = DefaultDenyCases();
  for (const auto& more : {PodSelectorCases(), NamespaceSelectorCases(),
                           BothSelectorsCases(), HostNetworkCases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

class KubernetesPeersTest : public ConformanceSuite {};

TEST_P(KubernetesPeersTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, KubernetesPeersTest, testing::ValuesIn(Cases()),
                         CaseName);

}  // namespace
}  // namespace netpol
