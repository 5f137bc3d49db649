// Pods and namespaces that come, change and go, step by step.
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

PolicyBuilder In(const char* ns, const char* name = "in") {
  return PolicyBuilder(ns, name).Types({"Ingress"});
}

v1::WatchEvent Tell(const PolicyBuilder& policy) {
  return Upsert(policy.Build());
}

v1::WatchEvent Drop(const PolicyBuilder& policy) {
  return Delete(policy.Build());
}

// A pod of the matrix at the addresses of another.
k8s::Pod PodAt(const std::string& ns, const std::string& name,
               const k8s::Pod& place) {
  k8s::Pod pod = MatrixPod(ns, name);
  *pod.mutable_status() = place.status();
  return pod;
}

std::vector<ConformanceCase> PodCases() {
  const PolicyBuilder own = In("x").Ingress({PodPeer({})});
  const MatrixExpectations only_own = {DenyIn("x/*"), AllowIn("x/*", "x/*")};
  const PolicyBuilder from_y = In("x").Selects(kA).Ingress({Ns("y")});
  const MatrixExpectations only_y = {DenyIn("x/a"), AllowIn("x/a", "y/*")};
  const PolicyBuilder from_yb = In("x").Selects(kA).Ingress({PodInNamespacePeer(
      MatchLabels({{"ns", "y"}}), MatchLabels({{"pod", "b"}}))});
  const MatrixExpectations only_yb = {DenyIn("x/a"), AllowIn("x/a", "y/b")};
  k8s::Pod finished = MatrixPod("y", "b");
  finished.mutable_status()->set_phase("Succeeded");
  k8s::Pod leaving = MatrixPod("y", "b");
  leaving.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  k8s::Pod addressless = MatrixPod("y", "b");
  addressless.mutable_status()->clear_pod_ips();
  k8s::Pod one_family = MatrixPod("y", "b");
  one_family.mutable_status()->mutable_pod_ips()->RemoveLast();
  return {
      {"PodComesAndGoes",
       "a new pod is target and peer from the start",
       {{{Tell(own)}, only_own, 216},
        // Six more pairs are shut, to x/d from elsewhere.
        {{Upsert(MatrixPod("x", "d"))}, only_own, 288},
        {{Delete(MatrixPod("x", "d"))}, only_own, 216}}},
      {"PeerComesAndGoes",
       "a new pod of another namespace",
       {{{Tell(from_y)}, only_y, 60},
        {{Upsert(MatrixPod("y", "d"))}, only_y, 60},
        {{Upsert(MatrixPod("z", "d"))}, only_y, 72},
        {{Delete(MatrixPod("y", "d")), Delete(MatrixPod("z", "d"))},
         only_y,
         60}}},
      {"TargetGoesAndComes",
       "the policy waits for its pod",
       {{{Tell(from_y)}, only_y, 60},
        {{Delete(MatrixPod("x", "a"))}, {}, 0},
        {{Upsert(MatrixPod("x", "a"))}, only_y, 60}}},
      {"PodComesAgainElsewhere",
       "the name is the same, the addresses are not",
       {{{Tell(from_yb)}, only_yb, 84},
        {{Delete(MatrixPod("y", "b")),
          Upsert(PodAt("y", "b", MatrixPod("y", "e")))},
         only_yb,
         84}}},
      {"PodChangesAddress",
       "without having gone",
       {{{Tell(from_yb)}, only_yb, 84},
        {{Upsert(PodAt("y", "b", MatrixPod("y", "f")))}, only_yb, 84}}},
      {"AddressIsReused",
       "a pod that is no peer gets a peer's addresses",
       {{{Tell(from_yb)}, only_yb, 84},
        {{Delete(MatrixPod("y", "b")),
          Upsert(PodAt("z", "d", MatrixPod("y", "b")))},
         {DenyIn("x/a")},
         96}}},
      {"TargetsAddressIsReused",
       "a free pod gets an isolated pod's addresses",
       {{{Tell(from_y)}, only_y, 60},
        {{Delete(MatrixPod("x", "a")),
          Upsert(PodAt("z", "d", MatrixPod("x", "a")))},
         {},
         0}}},
      {"PodFinishes",
       "a finished pod is nobody",
       {{{Tell(from_yb)}, only_yb, 84},
        {{Upsert(finished)}, {DenyIn("x/a")}, 84},
        {{Upsert(MatrixPod("y", "b"))}, only_yb, 84}}},
      {"PodIsLeaving",
       "a terminating pod counts until it is gone",
       {{{Tell(from_yb)}, only_yb, 84}, {{Upsert(leaving)}, only_yb, 84}}},
      {"PodWaitsForAddress",
       "a pod without address is nobody yet",
       {{{Tell(from_yb), Upsert(addressless)}, {DenyIn("x/a")}, 84},
        {{Upsert(one_family)}, only_yb, {}},
        {{Upsert(MatrixPod("y", "b"))}, only_yb, 84}}},
      {"PodMovesAway",
       "a pod of another node is no longer judged here",
       {{{Tell(In("y").Selects({{"pod", "m"}})), Upsert(MatrixPod("y", "m"))},
         {DenyIn("y/m")},
         9 * 12},
        {{Delete(MatrixPod("y", "m")), Upsert([] {
            k8s::Pod pod = MatrixPod("y", "m");
            pod.mutable_spec()->set_node_name("node-b");
            return pod;
          }())},
         {DenyIn("y/m")},
         0}}},
  };
}

std::vector<ConformanceCase> NamespaceCases() {
  const PolicyBuilder by_label = In("x").Selects(kA).Ingress({Ns("y")});
  const MatrixExpectations only_y = {DenyIn("x/a"), AllowIn("x/a", "y/*")};
  const MatrixExpectations y_and_w = {DenyIn("x/a"), AllowIn("x/a", "y/* w/*")};
  const k8s::Namespace w = MakeNamespace("w", {{"ns", "y"}});
  const auto wa = MatrixPod("w", "a");
  const auto wb = MatrixPod("w", "b");
  return {
      {"NamespaceComesAndGoes",
       "a new namespace with the label of y",
       {{{Tell(by_label)}, only_y, 60},
        {{Upsert(w), Upsert(wa), Upsert(wb)}, y_and_w, 60},
        {{Delete(wa), Delete(wb), Delete(w)}, only_y, 60}}},
      {"PodsBeforeTheirNamespace",
       "labels of a namespace that is yet unknown",
       {{{Tell(by_label), Upsert(wa), Upsert(wb)}, only_y, 84},
        {{Upsert(w)}, y_and_w, 60}}},
      {"PolicyBeforeEverything",
       "policy, pods, namespace, in one batch",
       {{{Tell(In("w").Ingress({Ns("y")})), Upsert(wa), Upsert(w)},
         {DenyIn("w/*"), AllowIn("w/*", "y/* w/*")},
         72}}},
      {"NamespaceGoesWithAll",
       "policies, pods and namespace go at once",
       {{{Upsert(w), Upsert(wa), Tell(In("w")), Tell(by_label)},
         {DenyIn("w/* x/a"), AllowIn("x/a", "y/* w/*")},
         // To w/a nine pairs, to x/a five.
         (9 + 5) * 12},
        {{Drop(In("w")), Delete(wa), Delete(w)}, only_y, 60}}},
      {"NamespaceComesWithOtherLabels",
       "a name that was used before",
       {{{Tell(by_label), Upsert(w), Upsert(wa)}, y_and_w, 60},
        {{Delete(wa), Delete(w)}, only_y, 60},
        {{Upsert(MatrixNamespace("w")), Upsert(wa)}, only_y, 72}}},
      {"PeersOfManyNamespaces",
       "an empty selector takes in new namespaces",
       {{{Tell(In("x").Selects(kA).Ingress({NamespacePeer({})}))},
         {DenyIn("x/a"), AllowIn("x/a", "*/*")},
         0},
        {{Upsert(MatrixNamespace("v")), Upsert(MatrixPod("v", "a"))},
         {DenyIn("x/a"), AllowIn("x/a", "*/*")},
         0}}},
  };
}

class ObjectLifeTest : public ConformanceSuite {};

TEST_P(ObjectLifeTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Pod, ObjectLifeTest, testing::ValuesIn(PodCases()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Namespace, ObjectLifeTest,
                         testing::ValuesIn(NamespaceCases()), CaseName);

}  // namespace
}  // namespace netpol
