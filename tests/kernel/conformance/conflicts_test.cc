// Policies that allow and policies that do not, side by side: what any of a
// direction allows is allowed, and both directions must allow.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

// What a policy for one pod and one direction may say.
struct Stance {
  std::string name;
  std::string meaning;
  bool has_rule;
  PolicyBuilder::Peers peers;
  PolicyBuilder::Ports ports;
  std::vector<std::pair<std::string, std::string>> allowed;  // peers, traffic
};

std::vector<Stance> Stances() {
  return {
      {"DenyAll", "no rule", false, {}, {}, {}},
      {"AllowAll", "an empty rule", true, {}, {}, {{"*", ""}}},
      {"AllowPods", "all pods", true, {NamespacePeer({})}, {}, {{"*/*", ""}}},
      {"AllowBlocks",
       "all of IPv4",
       true,
       {BlockPeer("0.0.0.0/0")},
       {},
       {{"*", "IPv4"}}},
      {"BlockOfNobody",
       "addresses of nobody",
       true,
       {BlockPeer("0.0.0.0/31")},
       {},
       {}},
      {"PodsOfNobody",
       "pods of no namespace",
       true,
       {NamespacePeer(MatchLabels({{"never", "there"}}))},
       {},
       {}},
      {"OtherPort",
       "a port that nobody serves",
       true,
       {},
       {NumberPort("TCP", 79)},
       {}},
      {"OneProtocol", "UDP", true, {}, {ProtocolPort("UDP")}, {{"*", "UDP"}}},
  };
}

PolicyBuilder PolicyOf(const PolicySide& side, const Stance& stance,
                       const std::string& name, const std::string& ns) {
  const PolicyBuilder policy = side.Policy(ns, name).Selects({{"pod", "b"}});
  return stance.has_rule ? side.With(policy, stance.peers, stance.ports)
                         : policy;
}

void Allow(const PolicySide& side, const Stance& stance, const std::string& pod,
           MatrixExpectations& expected) {
  for (const auto& [peers, traffic] : stance.allowed)
    expected.push_back(side.Allow(pod, peers, traffic));
}

// Two policies for one pod and direction.
std::vector<ConformanceCase> SameTarget() {
  const std::vector<Stance> stances = Stances();
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (size_t i = 0; i < stances.size(); ++i) {
      for (size_t j = i; j < stances.size(); ++j) {
        MatrixExpectations expected = {side.Deny("x/b")};
        Allow(side, stances[i], "x/b", expected);
        Allow(side, stances[j], "x/b", expected);
        cases.push_back(OneStep(
            absl::StrCat(side.type(), stances[i].name, "And", stances[j].name),
            absl::StrCat("one policy: ", stances[i].meaning,
                         "; another: ", stances[j].meaning),
            {PolicyOf(side, stances[i], "one", "x"),
             PolicyOf(side, stances[j], "two", "x")},
            expected));
      }
    }
  }
  return cases;
}

// What x/b may send against what y/b may receive.
std::vector<ConformanceCase> BothEnds() {
  const PolicySide& in = kPolicySides[0];
  const PolicySide& out = kPolicySides[1];
  std::vector<ConformanceCase> cases;
  for (const Stance& sender : Stances()) {
    for (const Stance& receiver : Stances()) {
      MatrixExpectations expected = {out.Deny("x/b"), in.Deny("y/b")};
      Allow(out, sender, "x/b", expected);
      Allow(in, receiver, "y/b", expected);
      cases.push_back(
          OneStep(absl::StrCat("Out", sender.name, "In", receiver.name),
                  absl::StrCat("sender: ", sender.meaning,
                               "; receiver: ", receiver.meaning),
                  {PolicyOf(out, sender, "out", "x"),
                   PolicyOf(in, receiver, "in", "y")},
                  expected));
    }
  }
  return cases;
}

k8s::NetworkPolicyPeer Ns(const std::string& name) {
  return NamespacePeer(MatchLabels({{"ns", name}}));
}

PolicyBuilder In(const char* ns, const char* name) {
  return PolicyBuilder(ns, name).Types({"Ingress"});
}

PolicyBuilder Out(const char* ns, const char* name) {
  return PolicyBuilder(ns, name).Types({"Egress"});
}

std::vector<ConformanceCase> TwoEndedCases() {
  const auto tcp80 = NumberPort("TCP", 80);
  const auto tcp81 = NumberPort("TCP", 81);
  const LabelList b = {{"pod", "b"}};
  return {
      OneStep("EndsThatDoNotMeet", "sender and receiver allow other ports",
              {Out("x", "out").Egress({Ns("y")}, {tcp80}),
               In("y", "in").Ingress({Ns("x")}, {tcp81})},
              {DenyOut("x/*"), AllowOut("x/*", "y/*", "TCP 80"), DenyIn("y/*"),
               AllowIn("y/*", "x/*", "TCP 81")},
              // x to all, z and y to y.
              (24 + 9 + 6) * 12),
      OneStep("EndsThatMeet", "what both allow arrives",
              {Out("x", "out").Egress({Ns("y")}, {ProtocolPort("TCP")}),
               In("y", "in").Ingress({Ns("x")}, {RangePort("TCP", 80, 80)})},
              {DenyOut("x/*"), AllowOut("x/*", "y/*", "TCP"), DenyIn("y/*"),
               AllowIn("y/*", "x/*", "TCP 80")},
              // All x sends but TCP 80 to y; z and y to y.
              24 * 12 - 9 * 2 + 9 * 12 + 6 * 12),
      OneStep(
          "WrongSender", "the receiver expects somebody else",
          {Out("x", "out").Egress({Ns("y")}), In("y", "in").Ingress({Ns("z")})},
          {DenyOut("x/*"), AllowOut("x/*", "y/*"), DenyIn("y/*"),
           AllowIn("y/*", "z/*")},
          // x to all, y to y.
          (24 + 6) * 12),
      OneStep(
          "Ring", "x sends to y, y to z, z to x, and so they receive",
          {Out("x", "out").Egress({Ns("y")}), Out("y", "out").Egress({Ns("z")}),
           Out("z", "out").Egress({Ns("x")}), In("y", "in").Ingress({Ns("x")}),
           In("z", "in").Ingress({Ns("y")}), In("x", "in").Ingress({Ns("z")})},
          {DenyOut("*/*"), DenyIn("*/*"), AllowOut("x/*", "y/*"),
           AllowOut("y/*", "z/*"), AllowOut("z/*", "x/*"),
           AllowIn("y/*", "x/*"), AllowIn("z/*", "y/*"), AllowIn("x/*", "z/*")},
          (72 - 27) * 12),
      OneStep("PeersShutOffBothWays", "neither of two may send to the other",
              {Out("x", "out").Selects(b).Egress({Ns("x"), Ns("z")}),
               Out("y", "out").Selects(b).Egress({Ns("y"), Ns("z")})},
              {DenyOut("x/b"), AllowOut("x/b", "x/* z/*"), DenyOut("y/b"),
               AllowOut("y/b", "y/* z/*")},
              6 * 12),
      OneStep("AllIsolatedOnePairOpen", "one pair opened on both ends",
              {PolicyBuilder("x", "deny").Types({"Ingress", "Egress"}),
               PolicyBuilder("y", "deny").Types({"Ingress", "Egress"}),
               PolicyBuilder("z", "deny").Types({"Ingress", "Egress"}),
               Out("x", "allow").Selects(b).Egress({Ns("y")}),
               In("y", "allow").Selects(b).Ingress({Ns("x")})},
              {DenyIn("*/*"), DenyOut("*/*"), AllowOut("x/b", "y/*"),
               AllowIn("y/b", "x/*")},
              71 * 12),
      OneStep("AllIsolatedOneEndOpen", "one end alone opens nothing",
              {PolicyBuilder("x", "deny").Types({"Ingress", "Egress"}),
               PolicyBuilder("y", "deny").Types({"Ingress", "Egress"}),
               PolicyBuilder("z", "deny").Types({"Ingress", "Egress"}),
               Out("x", "allow").Selects(b).Egress({Ns("y")})},
              {DenyIn("*/*"), DenyOut("*/*"), AllowOut("x/b", "y/*")}, 72 * 12),
  };
}

std::vector<ConformanceCase> SeveralPolicies() {
  const LabelList a = {{"pod", "a"}};
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    const PolicyBuilder one = side.Policy("x", "one").Selects(a);
    const PolicyBuilder two = side.Policy("x", "two").Selects(a);
    const PolicyBuilder three = side.Policy("x", "three").Selects(a);
    const auto add = [&](const std::string& name, const std::string& meaning,
                         const std::vector<PolicyBuilder>& policies,
                         const MatrixExpectations& expected, int refused) {
      cases.push_back(
          OneStep(side.type() + name, meaning, policies, expected, refused));
    };
    add("ExceptAgainstBlock", "what one policy excepts another may allow",
        {side.With(one, {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"})}),
         side.With(two, {BlockPeer("10.42.0.34/32")})},
        {side.Deny("x/a"), side.Allow("x/a", "x/* z/* y/b", "IPv4")},
        96 - 6 * 6);
    add("ExceptAgainstSelector", "by a selector too",
        {side.With(one, {BlockPeer("0.0.0.0/0", {"10.42.0.32/28"})}),
         side.With(two, {Ns("y")}, {NumberPort("TCP", 80)})},
        {side.Deny("x/a"), side.Allow("x/a", "x/* z/* node outside", "IPv4"),
         side.Allow("x/a", "y/*", "TCP 80")},
        96 - 5 * 6 - 3 * 2);
    add("ExceptAgainstExcept", "two policies that except different parts",
        {side.With(one, {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"})}),
         side.With(two, {BlockPeer("10.42.0.0/24", {"10.42.0.48/28"})})},
        {side.Deny("x/a"), side.Allow("x/a", "*/*", "IPv4")}, 48);
    add("ThreePolicies", "three policies add up",
        {side.With(one, {Ns("x")}), side.With(two, {Ns("y")}),
         side.With(three, {}, {NumberPort("SCTP", 81)})},
        {side.Deny("x/a"), side.Allow("x/a", "x/* y/*"),
         side.Allow("x/a", "*", "SCTP 81")},
        3 * 10);
    add("PoliciesDoNotMix", "peers of one do not get the ports of another",
        {side.With(one, {Ns("y")}, {NumberPort("TCP", 80)}),
         side.With(two, {Ns("z")}, {NumberPort("UDP", 81)})},
        {side.Deny("x/a"), side.Allow("x/a", "y/*", "TCP 80"),
         side.Allow("x/a", "z/*", "UDP 81")},
        96 - 12);
    add("TheSamePolicyTwice", "another name, the same content",
        {side.With(one, {Ns("y")}), side.With(two, {Ns("y")})},
        {side.Deny("x/a"), side.Allow("x/a", "y/*")}, 60);
    add("WideDenyNarrowAllow", "a pod of an isolated namespace is opened",
        {side.Policy("x", "deny"), side.With(one)},
        {side.Deny("x/*"), side.Allow("x/a")}, 2 * 96);
    add("NarrowDenyWideAllow", "a deny takes nothing from a wider allow",
        {one, side.With(side.Policy("x", "allow"))}, {side.Deny("")}, 0);
    add("OtherDirectionStaysOpen", "isolation is of one direction",
        {one, side.With(side.Policy("y", "one"), {Ns("y")})},
        {side.Deny("x/a y/*"), side.Allow("y/*", "y/*")},
        // Pairs between x/a and y are counted where the side is.
        96 + 3 * 6 * 12);
    add("OverlappingTargetsOverlappingRules", "each pod has its own sum",
        {side.With(side.Policy("x", "ab").Selects(
                       MatchExpression("pod", "In", {"a", "b"})),
                   {Ns("y")}),
         side.With(side.Policy("x", "bc").Selects(
                       MatchExpression("pod", "In", {"b", "c"})),
                   {Ns("z")})},
        {side.Deny("x/*"), side.Allow("x/a x/b", "y/*"),
         side.Allow("x/b x/c", "z/*")},
        60 + 24 + 60);
  }
  return cases;
}

class ConflictsTest : public ConformanceSuite {};

TEST_P(ConflictsTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(SameTarget, ConflictsTest,
                         testing::ValuesIn(SameTarget()), CaseName);
INSTANTIATE_TEST_SUITE_P(BothEnds, ConflictsTest, testing::ValuesIn(BothEnds()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(TwoEnded, ConflictsTest,
                         testing::ValuesIn(TwoEndedCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Several, ConflictsTest,
                         testing::ValuesIn(SeveralPolicies()), CaseName);

}  // namespace
}  // namespace netpol
