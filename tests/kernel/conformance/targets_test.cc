// Which pods a policy isolates: its namespace and its pod selector.
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

// All packets of one pod in one direction: 8 others, 12 ways.
constexpr int kOnePod = 96;

// A policy that allows nothing, and the pods that it isolates.
struct Target {
  std::string name;
  std::string meaning;
  std::string ns;
  k8s::LabelSelector selector;
  std::string isolated;
  int pods;  // how many that are
};

k8s::LabelSelector Both(k8s::LabelSelector a, const k8s::LabelSelector& b) {
  a.MergeFrom(b);
  return a;
}

std::vector<Target> Targets() {
  const auto in = [](const std::vector<std::string>& values) {
    return MatchExpression("pod", "In", values);
  };
  const auto not_in = [](const std::vector<std::string>& values) {
    return MatchExpression("pod", "NotIn", values);
  };
  const k8s::LabelSelector pod_a = MatchLabels({{"pod", "a"}});
  return {
      {"NamespaceX", "only pods of its namespace", "x", {}, "x/*", 3},
      {"NamespaceY", "only pods of its namespace", "y", {}, "y/*", 3},
      {"NamespaceZ", "only pods of its namespace", "z", {}, "z/*", 3},
      {"NamespaceWithoutPods", "no pod, no effect", "w", {}, "", 0},
      {"LabelOfOnePod", "one pod of the namespace", "x", pod_a, "x/a", 1},
      {"LabelInY", "the label counts in y only", "y",
       MatchLabels({{"pod", "b"}}), "y/b", 1},
      {"LabelInZ", "the label counts in z only", "z",
       MatchLabels({{"pod", "c"}}), "z/c", 1},
      {"LabelOfNobody", "a value that no pod has", "x",
       MatchLabels({{"pod", "d"}}), "", 0},
      {"KeyOfNobody", "a key that no pod has", "x", MatchLabels({{"app", "a"}}),
       "", 0},
      {"ValueInOtherCase", "values are compared letter by letter", "x",
       MatchLabels({{"pod", "A"}}), "", 0},
      {"EmptyValue", "an empty value is a value", "x",
       MatchLabels({{"pod", ""}}), "", 0},
      {"LabelOfNamespace", "labels of the namespace are not the pod's", "x",
       MatchLabels({{"ns", "x"}}), "", 0},
      {"TwoLabels", "all labels are needed, not any", "x",
       MatchLabels({{"pod", "a"}, {"app", "a"}}), "", 0},
      {"InOne", "In with one value", "x", in({"c"}), "x/c", 1},
      {"InTwo", "In with two values", "x", in({"a", "b"}), "x/a x/b", 2},
      {"InTwice", "In with one value twice", "x", in({"b", "b"}), "x/b", 1},
      {"InNobody", "In with values that no pod has", "x", in({"d", "e"}), "",
       0},
      {"NotInOne", "NotIn leaves out one", "x", not_in({"a"}), "x/b x/c", 2},
      {"NotInAll", "NotIn leaves out all", "x", not_in({"a", "b", "c"}), "", 0},
      {"NotInOfAbsentKey", "NotIn holds for pods without the key", "x",
       MatchExpression("app", "NotIn", {"a"}), "x/*", 3},
      {"Exists", "Exists holds whatever the value", "x",
       MatchExpression("pod", "Exists"), "x/*", 3},
      {"ExistsOfAbsentKey", "Exists fails without the key", "x",
       MatchExpression("app", "Exists"), "", 0},
      {"DoesNotExist", "DoesNotExist fails with the key", "x",
       MatchExpression("pod", "DoesNotExist"), "", 0},
      {"DoesNotExistOfAbsentKey", "DoesNotExist holds without the key", "x",
       MatchExpression("app", "DoesNotExist"), "x/*", 3},
      {"TwoExpressions", "all expressions are needed", "x",
       Both(in({"a", "b"}), not_in({"b"})), "x/a", 1},
      {"LabelAndExpression", "labels and expressions are both needed", "x",
       Both(pod_a, in({"a", "b"})), "x/a", 1},
      {"LabelAgainstExpression", "they may exclude each other", "x",
       Both(pod_a, in({"b"})), "", 0},
      {"ExistsAgainstDoesNotExist", "they exclude each other", "x",
       Both(MatchExpression("pod", "Exists"),
            MatchExpression("pod", "DoesNotExist")),
       "", 0},
  };
}

void AddTargets(const PolicySide& side, std::vector<ConformanceCase>& cases) {
  for (const Target& target : Targets()) {
    cases.push_back(
        OneStep(side.type() + target.name, target.meaning,
                {side.Policy(target.ns, "deny").Selects(target.selector)},
                {side.Deny(target.isolated)}, target.pods * kOnePod));
  }
}

void AddSeveral(const PolicySide& side, std::vector<ConformanceCase>& cases) {
  const auto deny = [&side](absl::string_view ns, absl::string_view name,
                            const LabelList& labels) {
    return side.Policy(ns, name).Selects(labels);
  };
  const auto add = [&](const std::string& name, const std::string& meaning,
                       const std::vector<PolicyBuilder>& policies,
                       const std::string& isolated, int pods) {
    cases.push_back(OneStep(side.type() + name, meaning, policies,
                            {side.Deny(isolated)}, pods * kOnePod));
  };
  add("SelectorLeftOut", "no selector is the empty selector",
      {side.Policy("x", "deny")}, "x/*", 3);
  add("OneNameInThreeNamespaces", "a name belongs to its namespace",
      {deny("x", "deny", {{"pod", "a"}}), deny("y", "deny", {{"pod", "b"}}),
       deny("z", "deny", {{"pod", "c"}})},
      "x/a y/b z/c", 3);
  add("NamesThatRunTogether", "x/y-z and x-y/z are two policies",
      {deny("x", "y-z", {{"pod", "a"}}), deny("x-y", "z", {{"pod", "b"}})},
      "x/a", 1);
  add("DisjointTargets", "two policies of a namespace, each with its pod",
      {deny("x", "one", {{"pod", "a"}}), deny("x", "two", {{"pod", "b"}})},
      "x/a x/b", 2);
  add("OverlappingTargets", "a pod may be isolated twice",
      {deny("x", "one", {}), deny("x", "two", {{"pod", "b"}})}, "x/*", 3);
  add("EveryNamespace", "all pods are isolated",
      {deny("x", "deny", {}), deny("y", "deny", {}), deny("z", "deny", {})},
      "*/*", 9);
}

std::vector<ConformanceCase> Cases() {
  std::vector<ConformanceCase> cases = {
      OneStep("NoPolicy", "without policies everything arrives", {}, {}, 0)};
  for (const PolicySide& side : kPolicySides) {
    AddTargets(side, cases);
    AddSeveral(side, cases);
  }
  return cases;
}

class TargetsTest : public ConformanceSuite {};

TEST_P(TargetsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, TargetsTest, testing::ValuesIn(Cases()),
                         CaseName);

}  // namespace
}  // namespace netpol
