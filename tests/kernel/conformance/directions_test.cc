// What policyTypes and the rules that are there isolate.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {
namespace {

// How far a direction of x/a is open.
enum class Door { kOpen, kToY, kShut };

// A policy for x/a, whose rules are about namespace y.
struct TypesAndRules {
  std::string name;
  std::string meaning;
  std::vector<std::string> types;
  bool ingress_rule;
  bool egress_rule;
  Door in;
  Door out;
};

std::vector<TypesAndRules> Rows() {
  const std::string in = "Ingress";
  const std::string out = "Egress";
  constexpr Door kOpen = Door::kOpen;
  constexpr Door kToY = Door::kToY;
  constexpr Door kShut = Door::kShut;
  return {
      {"NoTypesNoRules",
       "the default is Ingress",
       {},
       false,
       false,
       kShut,
       kOpen},
      {"NoTypesIngressRule",
       "the default is Ingress",
       {},
       true,
       false,
       kToY,
       kOpen},
      {"NoTypesEgressRule",
       "egress rules add Egress to the default",
       {},
       false,
       true,
       kShut,
       kToY},
      {"NoTypesBothRules", "both by default", {}, true, true, kToY, kToY},
      {"IngressNoRules", "nothing gets in", {in}, false, false, kShut, kOpen},
      {"IngressIngressRule",
       "the rule lets in",
       {in},
       true,
       false,
       kToY,
       kOpen},
      {"IngressEgressRule",
       "a rule of a type that is not listed is nothing",
       {in},
       false,
       true,
       kShut,
       kOpen},
      {"IngressBothRules",
       "the egress rule is nothing",
       {in},
       true,
       true,
       kToY,
       kOpen},
      {"EgressNoRules", "nothing gets out", {out}, false, false, kOpen, kShut},
      {"EgressIngressRule",
       "a rule of a type that is not listed is nothing",
       {out},
       true,
       false,
       kOpen,
       kShut},
      {"EgressEgressRule",
       "the rule lets out",
       {out},
       false,
       true,
       kOpen,
       kToY},
      {"EgressBothRules",
       "the ingress rule is nothing",
       {out},
       true,
       true,
       kOpen,
       kToY},
      {"BothNoRules",
       "nothing gets in or out",
       {in, out},
       false,
       false,
       kShut,
       kShut},
      {"BothIngressRule",
       "nothing gets out",
       {in, out},
       true,
       false,
       kToY,
       kShut},
      {"BothEgressRule",
       "nothing gets in",
       {in, out},
       false,
       true,
       kShut,
       kToY},
      {"BothBothRules", "each has its rule", {in, out}, true, true, kToY, kToY},
      {"BothTurnedRound",
       "the order of types does not matter",
       {out, in},
       true,
       false,
       kToY,
       kShut},
  };
}

int Refused(Door door) {
  return door == Door::kOpen ? 0 : door == Door::kToY ? 5 * 12 : 8 * 12;
}

MatrixExpectations Expected(const TypesAndRules& row) {
  MatrixExpectations lines;
  if (row.in != Door::kOpen) lines.push_back(DenyIn("x/a"));
  if (row.in == Door::kToY) lines.push_back(AllowIn("x/a", "y/*"));
  if (row.out != Door::kOpen) lines.push_back(DenyOut("x/a"));
  if (row.out == Door::kToY) lines.push_back(AllowOut("x/a", "y/*"));
  return lines;
}

std::vector<ConformanceCase> Cases() {
  const std::vector<k8s::NetworkPolicyPeer> y = {
      NamespacePeer(MatchLabels({{"ns", "y"}}))};
  std::vector<ConformanceCase> cases;
  for (const TypesAndRules& row : Rows()) {
    PolicyBuilder policy("x", "policy");
    policy.Selects({{"pod", "a"}}).Types(row.types);
    if (row.ingress_rule) policy.Ingress(y);
    if (row.egress_rule) policy.Egress(y);
    cases.push_back(OneStep(row.name, row.meaning, {policy}, Expected(row),
                            Refused(row.in) + Refused(row.out)));
  }
  return cases;
}

// One direction's rule must not let through the other direction.
std::vector<ConformanceCase> CrossCases() {
  const auto ns = [](const char* name) {
    return PolicyBuilder::Peers{NamespacePeer(MatchLabels({{"ns", name}}))};
  };
  const LabelList a = {{"pod", "a"}};
  return {
      OneStep("InFromYOutToZ", "each direction has its own peers",
              {PolicyBuilder("x", "policy")
                   .Selects(a)
                   .Types({"Ingress", "Egress"})
                   .Ingress(ns("y"))
                   .Egress(ns("z"))},
              {DenyIn("x/a"), AllowIn("x/a", "y/*"), DenyOut("x/a"),
               AllowOut("x/a", "z/*")},
              2 * 5 * 12),
      OneStep("InFromOwnOutToY", "pods that may all send must still be let in",
              {PolicyBuilder("x", "policy")
                   .Types({"Ingress", "Egress"})
                   .Ingress(ns("y"))
                   .Egress(ns("x"))},
              {DenyIn("x/*"), AllowIn("x/*", "y/*"), DenyOut("x/*"),
               AllowOut("x/*", "x/*")},
              // Within x 6 pairs, from z 9, to y and z 18.
              (6 + 9 + 18) * 12),
      OneStep("PortsDifferByDirection", "each direction has its own ports",
              {PolicyBuilder("x", "policy")
                   .Selects(a)
                   .Types({"Ingress", "Egress"})
                   .Ingress({}, {NumberPort("TCP", 80)})
                   .Egress({}, {NumberPort("UDP", 81)})},
              {DenyIn("x/a"), AllowIn("x/a", "*", "TCP 80"), DenyOut("x/a"),
               AllowOut("x/a", "*", "UDP 81")},
              8 * 10 + 8 * 10),
      OneStep("TwoPoliciesOneEach", "one policy for each direction",
              {PolicyBuilder("x", "in").Types({"Ingress"}).Ingress(ns("y")),
               PolicyBuilder("x", "out").Types({"Egress"}).Egress(ns("z"))},
              {DenyIn("x/*"), AllowIn("x/*", "y/*"), DenyOut("x/*"),
               AllowOut("x/*", "z/*")},
              // Within x 6 pairs, from z 9, to y 9.
              (6 + 9 + 9) * 12),
      OneStep("EmptyRuleOfOneDirection", "an empty rule opens its own only",
              {PolicyBuilder("x", "policy")
                   .Selects(a)
                   .Types({"Ingress", "Egress"})
                   .Ingress()},
              {DenyOut("x/a")}, 8 * 12),
  };
}

class DirectionsTest : public ConformanceSuite {};

TEST_P(DirectionsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, DirectionsTest, testing::ValuesIn(Cases()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Cross, DirectionsTest, testing::ValuesIn(CrossCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
