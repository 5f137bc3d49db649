// Whom pod and namespace selectors mean, in every combination.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

// One side of a peer and which of a, b, c or x, y, z it matches.
struct Selector {
  std::string name;
  std::string meaning;
  bool present;
  k8s::LabelSelector selector;
  std::string matched;
};

std::vector<Selector> SelectorsOver(const std::string& key,
                                    const std::string& first,
                                    const std::string& second,
                                    const std::string& third) {
  const std::string all = first + second + third;
  return {
      {"Empty", "any", true, {}, all},
      {"Label", "one by label", true, MatchLabels({{key, second}}), second},
      {"LabelOfNobody", "none by label", true, MatchLabels({{key, "nobody"}}),
       ""},
      {"In", "two by In", true, MatchExpression(key, "In", {second, third}),
       second + third},
      {"NotIn", "all but one by NotIn", true,
       MatchExpression(key, "NotIn", {first}), second + third},
      {"NotInOfAbsentKey", "any by NotIn", true,
       MatchExpression("absent", "NotIn", {first}), all},
      {"Exists", "any by Exists", true, MatchExpression(key, "Exists"), all},
      {"DoesNotExist", "none by DoesNotExist", true,
       MatchExpression(key, "DoesNotExist"), ""},
  };
}

std::vector<Selector> PodSelectors() {
  std::vector<Selector> selectors = SelectorsOver("pod", "a", "b", "c");
  selectors.push_back(
      {"Nil", "any, as no selector is given", false, {}, "abc"});
  return selectors;
}

std::vector<Selector> NamespaceSelectors() {
  std::vector<Selector> selectors = SelectorsOver("ns", "x", "y", "z");
  selectors.push_back(
      {"Nil", "the policy's own, as no selector is given", false, {}, "x"});
  return selectors;
}

// The pods of `namespaces` named `names`, each of one letter.
std::string PodsOf(const std::string& namespaces, const std::string& names) {
  std::string pods;
  for (char ns : namespaces) {
    for (char name : names)
      absl::StrAppend(&pods, std::string(1, ns), "/", std::string(1, name),
                      " ");
  }
  return pods;
}

// Policies for x/a; what reaches x/a itself is not counted.
int Refused(const std::string& namespaces, const std::string& names) {
  const bool self = namespaces.find('x') != std::string::npos &&
                    names.find('a') != std::string::npos;
  const size_t peers = namespaces.size() * names.size() - (self ? 1 : 0);
  return (8 - static_cast<int>(peers)) * 12;
}

std::vector<ConformanceCase> Combinations() {
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const Selector& pods : PodSelectors()) {
      for (const Selector& namespaces : NamespaceSelectors()) {
        // A peer without anything is not allowed.
        if (!pods.present && !namespaces.present) continue;
        k8s::NetworkPolicyPeer peer;
        if (pods.present) *peer.mutable_pod_selector() = pods.selector;
        if (namespaces.present)
          *peer.mutable_namespace_selector() = namespaces.selector;
        cases.push_back(OneStep(
            absl::StrCat(side.type(), "Pods", pods.name, "Namespaces",
                         namespaces.name),
            absl::StrCat("pods: ", pods.meaning,
                         "; namespaces: ", namespaces.meaning),
            {side.With(side.Policy("x", "peer").Selects({{"pod", "a"}}),
                       {peer})},
            {side.Deny("x/a"),
             side.Allow("x/a", PodsOf(namespaces.matched, pods.matched))},
            Refused(namespaces.matched, pods.matched)));
      }
    }
  }
  return cases;
}

k8s::NetworkPolicyPeer Of(const std::string& ns, const std::string& pod) {
  return PodInNamespacePeer(MatchLabels({{"ns", ns}}),
                            MatchLabels({{"pod", pod}}));
}

struct PeerLists {
  std::string name;
  std::string meaning;
  PolicyBuilder::Peers peers;
  std::string allowed;
  int refused;  // of the 96 between x/a and other pods
};

std::vector<PeerLists> Lists() {
  k8s::LabelSelector not_x_but_labelled = MatchExpression("ns", "NotIn", {"x"});
  not_x_but_labelled.MergeFrom(MatchLabels({{"ns", "z"}}));
  k8s::LabelSelector pods = MatchExpression("pod", "In", {"a", "b"});
  pods.MergeFrom(MatchExpression("pod", "NotIn", {"b"}));
  const auto named = [](const std::string& name) {
    return NamespacePeer(MatchLabels({{"kubernetes.io/metadata.name", name}}));
  };
  return {
      {"NamespaceByName",
       "the label that every namespace has",
       {named("z")},
       "z/*",
       60},
      {"NamespacesByNameNotIn",
       "the same by an expression",
       {NamespacePeer(MatchExpression("kubernetes.io/metadata.name", "NotIn",
                                      {"y", "z"}))},
       "x/*",
       72},
      {"OnlyItself",
       "a pod that may only talk to itself",
       {Of("x", "a")},
       "",
       96},
      {"TwoPeersAreOr",
       "two peers, not one that is both",
       {NamespacePeer(MatchLabels({{"ns", "y"}})),
        PodPeer(MatchLabels({{"pod", "b"}}))},
       "y/* x/b",
       48},
      {"OnePeerIsAnd",
       "the same selectors in one peer",
       {Of("y", "b")},
       "y/b",
       84},
      {"Diagonal",
       "three peers, one pod each",
       {Of("x", "c"), Of("y", "b"), Of("z", "a")},
       "x/c y/b z/a",
       60},
      {"OverlappingPeers",
       "peers that share pods",
       {NamespacePeer(MatchLabels({{"ns", "y"}})), Of("y", "a"), Of("y", "b")},
       "y/*",
       60},
      {"TheSamePeerTwice",
       "no more than once",
       {Of("z", "c"), Of("z", "c")},
       "z/c",
       84},
      {"LabelsAndExpressions",
       "all requirements of both selectors",
       {PodInNamespacePeer(not_x_but_labelled, pods)},
       "z/a",
       84},
      {"PodLabelAsNamespaceLabel",
       "each selector has its own labels",
       {PodInNamespacePeer(MatchLabels({{"pod", "a"}}),
                           MatchLabels({{"ns", "x"}}))},
       "",
       96},
      {"AllPodsByNamespaces",
       "all pods, but nobody else",
       {NamespacePeer({})},
       "*/*",
       0},
      {"OwnNamespaceByNilNamespace",
       "pods of the own namespace only",
       {PodPeer({})},
       "x/*",
       72},
  };
}

std::vector<ConformanceCase> ListCases() {
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const PeerLists& row : Lists()) {
      cases.push_back(OneStep(
          side.type() + row.name, row.meaning,
          {side.With(side.Policy("x", "peers").Selects({{"pod", "a"}}),
                     row.peers)},
          {side.Deny("x/a"), side.Allow("x/a", row.allowed)}, row.refused));
    }
    // The own namespace is the policy's, whichever the peer's pods.
    cases.push_back(
        OneStep(side.type() + "OwnNamespaceOfEachPolicy",
                "the same peer in two namespaces means different pods",
                {side.With(side.Policy("x", "own"), {PodPeer({})}),
                 side.With(side.Policy("y", "own"), {PodPeer({})})},
                {side.Deny("x/* y/*"), side.Allow("x/*", "x/*"),
                 side.Allow("y/*", "y/*")},
                2 * 18 * 12));
  }
  return cases;
}

class PeersTest : public ConformanceSuite {};

TEST_P(PeersTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Combination, PeersTest,
                         testing::ValuesIn(Combinations()), CaseName);
INSTANTIATE_TEST_SUITE_P(List, PeersTest, testing::ValuesIn(ListCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
