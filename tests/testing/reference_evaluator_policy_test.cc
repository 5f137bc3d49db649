// Which pods a policy isolates and which peers its rules let in, case by case
// from the API's text.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

NodeView NodeA() { return {.name = "node-a", .addresses = {Ip("172.16.0.1")}}; }

Packet Tcp80(absl::string_view source, absl::string_view destination) {
  return {Ip(source), Ip(destination), IPPROTO_TCP, 80};
}

constexpr char kWeb[] = "10.42.0.5";       // shop/web, local.
constexpr char kFriend[] = "10.42.1.5";    // shop/cart, remote.
constexpr char kStranger[] = "10.42.1.6";  // bank/teller, remote.
constexpr char kLost[] = "10.42.1.7";      // gone/ghost: no Namespace object.
constexpr char kOutside[] = "192.0.2.1";

Cluster Base() {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("shop", {{"env", "prod"}}),
                        MakeNamespace("bank", {{"env", "dev"}})};
  cluster.pods = {PodBuilder("shop", "web")
                      .On("node-a")
                      .Ip(kWeb)
                      .Label("app", "web")
                      .Build(),
                  PodBuilder("shop", "cart")
                      .On("node-b")
                      .Ip(kFriend)
                      .Label("app", "cart")
                      .Label("tier", "front")
                      .Build(),
                  PodBuilder("bank", "teller")
                      .On("node-b")
                      .Ip(kStranger)
                      .Label("app", "cart")
                      .Build(),
                  PodBuilder("gone", "ghost").On("node-b").Ip(kLost).Build()};
  return cluster;
}

bool Allowed(const k8s::NetworkPolicy& policy, const Packet& packet) {
  Cluster cluster = Base();
  cluster.policies.push_back(policy);
  return Evaluate(cluster, NodeA(), packet).allowed;
}

// --- Isolation. --------------------------------------------------------------

struct IsolationCase {
  std::string what;
  k8s::NetworkPolicy policy;
  bool ingress;  // Is a packet from outside to shop/web let in?
  bool egress;   // And one from it to outside let out?
};

std::vector<IsolationCase> IsolationCases() {
  const k8s::LabelSelector web = MatchLabels({{"app", "web"}});
  k8s::NetworkPolicy bare;
  bare.mutable_metadata()->set_namespace_("shop");
  bare.mutable_metadata()->set_name("p");
  const auto policy = [&] { return PolicyBuilder("shop", "p").Selects(web); };
  k8s::LabelSelector half_wrong = MatchExpression("app", "Like", {"x"});
  *half_wrong.add_match_expressions() =
      MatchExpression("app", "In", {"web"}).match_expressions(0);
  k8s::LabelSelector wrong_other = MatchExpression("app", "Like", {"x"});
  *wrong_other.add_match_expressions() =
      MatchExpression("app", "In", {"db"}).match_expressions(0);
  return {
      {"no policyTypes and no rules is Ingress only", policy().Build(), false,
       true},
      {"no policyTypes with an egress rule is both", policy().Egress().Build(),
       false, true},
      {"an egress rule that grants nothing isolates egress by default",
       policy().Egress({BlockPeer("10.0.0.0/8")}).Build(), false, false},
      {"no policyTypes with an ingress rule is Ingress only",
       policy().Ingress({BlockPeer("10.0.0.0/8")}).Build(), false, true},
      {"Egress alone leaves ingress open", policy().Types({"Egress"}).Build(),
       true, false},
      {"both types isolate both ways",
       policy().Types({"Ingress", "Egress"}).Build(), false, false},
      {"an unknown type beside a known one is no direction",
       policy().Types({"Egress", "Sideways"}).Build(), true, false},
      {"nothing but unknown types is both",
       policy().Types({"Sideways"}).Build(), false, false},
      {"a type twice is as once", policy().Types({"Egress", "Egress"}).Build(),
       true, false},
      {"rules of an unlisted direction are inert",
       policy()
           .Types({"Ingress"})
           .Ingress()
           .Egress({BlockPeer("10.0.0.0/8")})
           .Build(),
       true, true},
      {"an empty rule allows everything",
       policy().Types({"Ingress", "Egress"}).Ingress().Egress().Build(), true,
       true},
      {"a missing spec selects all pods and is Ingress", bare, false, true},
      {"an empty selector selects all pods",
       PolicyBuilder("shop", "p").Selects(MatchLabels()).Build(), false, true},
      {"a selector that misses does not isolate",
       PolicyBuilder("shop", "p").Selects({{"app", "db"}}).Build(), true, true},
      {"every label of the selector must be there",
       PolicyBuilder("shop", "p")
           .Selects({{"app", "web"}, {"tier", "front"}})
           .Build(),
       true, true},
      {"a policy of another namespace does not isolate",
       PolicyBuilder("bank", "p").Selects(MatchLabels()).Build(), true, true},
      {"an unknown operator is left out and its policy grants nothing",
       PolicyBuilder("shop", "p")
           .Selects(MatchExpression("app", "Like", {"x"}))
           .Ingress()
           .Build(),
       false, true},
      {"the valid rest of a selector still selects",
       PolicyBuilder("shop", "p").Selects(half_wrong).Ingress().Build(), false,
       true},
      {"the valid rest of a selector still misses",
       PolicyBuilder("shop", "p").Selects(wrong_other).Ingress().Build(), true,
       true},
      {"NotIn without values isolates and grants nothing",
       PolicyBuilder("shop", "p")
           .Selects(MatchExpression("app", "NotIn"))
           .Ingress()
           .Build(),
       false, true},
      {"Exists with values isolates and grants nothing",
       PolicyBuilder("shop", "p")
           .Selects(MatchExpression("none", "Exists", {"x"}))
           .Ingress()
           .Build(),
       false, true},
  };
}

TEST(ReferenceEvaluatorPolicyTest, PoliciesIsolateWhatTheyShould) {
  for (const IsolationCase& test : IsolationCases()) {
    EXPECT_EQ(Allowed(test.policy, Tcp80(kOutside, kWeb)), test.ingress)
        << "ingress: " << test.what;
    EXPECT_EQ(Allowed(test.policy, Tcp80(kWeb, kOutside)), test.egress)
        << "egress: " << test.what;
  }
}

TEST(ReferenceEvaluatorPolicyTest, WithoutPoliciesEverythingIsAllowed) {
  EXPECT_TRUE(Evaluate(Base(), NodeA(), Tcp80(kOutside, kWeb)).allowed);
  EXPECT_TRUE(Evaluate(Base(), NodeA(), Tcp80(kWeb, kOutside)).allowed);
}

TEST(ReferenceEvaluatorPolicyTest, PoliciesAddUp) {
  Cluster cluster = Base();
  cluster.policies = {
      PolicyBuilder("shop", "deny").Selects(MatchLabels()).Build(),
      PolicyBuilder("shop", "one").Ingress({BlockPeer("10.42.1.5/32")}).Build(),
      PolicyBuilder("shop", "two")
          .Ingress({BlockPeer("10.42.1.6/32")})
          .Build()};
  EXPECT_TRUE(Evaluate(cluster, NodeA(), Tcp80(kFriend, kWeb)).allowed);
  EXPECT_TRUE(Evaluate(cluster, NodeA(), Tcp80(kStranger, kWeb)).allowed);
  EXPECT_FALSE(Evaluate(cluster, NodeA(), Tcp80(kLost, kWeb)).allowed);
}

TEST(ReferenceEvaluatorPolicyTest, ReasonNamesThePolicy) {
  Cluster cluster = Base();
  cluster.policies = {PolicyBuilder("shop", "deny").Build()};
  const Verdict verdict = Evaluate(cluster, NodeA(), Tcp80(kFriend, kWeb));
  EXPECT_EQ(verdict.reason,
            "Ingress of shop/web: not allowed by any of shop/deny");
}

// --- Peers. ------------------------------------------------------------------

struct PeerCase {
  std::string what;
  k8s::NetworkPolicyPeer peer;
  std::vector<std::string> matched;  // Of the four addresses that are tried.
};

std::vector<PeerCase> SelectorPeerCases() {
  const k8s::LabelSelector cart = MatchLabels({{"app", "cart"}});
  const k8s::LabelSelector all;
  const auto expression = [](absl::string_view key, absl::string_view op,
                             const std::vector<std::string>& values = {}) {
    return PodInNamespacePeer(MatchLabels(), MatchExpression(key, op, values));
  };
  const auto in_namespace = [](absl::string_view key, absl::string_view op,
                               const std::vector<std::string>& values = {}) {
    return NamespacePeer(MatchExpression(key, op, values));
  };
  k8s::LabelSelector mixed = cart;
  *mixed.add_match_expressions() =
      MatchExpression("tier", "Exists").match_expressions(0);
  k8s::LabelSelector wrong = cart;
  wrong.add_match_expressions()->set_operator_("Like");
  return {
      {"pods of the own namespace only", PodPeer(cart), {kFriend}},
      {"all pods of the own namespace", PodPeer(all), {kFriend}},
      {"all pods everywhere", NamespacePeer(all), {kFriend, kStranger, kLost}},
      {"namespaces by label",
       NamespacePeer(MatchLabels({{"env", "dev"}})),
       {kStranger}},
      {"the own namespace by label",
       NamespacePeer(MatchLabels({{"env", "prod"}})),
       {kFriend}},
      {"both selectors must match",
       PodInNamespacePeer(MatchLabels({{"env", "dev"}}), cart),
       {kStranger}},
      {"both selectors, one misses",
       PodInNamespacePeer(MatchLabels({{"env", "dev"}}),
                          MatchLabels({{"app", "db"}})),
       {}},
      {"a namespace by its name, though it lacks the label",
       NamespacePeer(MatchLabels({{"kubernetes.io/metadata.name", "bank"}})),
       {kStranger}},
      {"a missing namespace by its name",
       NamespacePeer(MatchLabels({{"kubernetes.io/metadata.name", "gone"}})),
       {kLost}},
      {"In", expression("app", "In", {"db", "cart"}), {kFriend, kStranger}},
      {"In needs the key", expression("tier", "In", {"front"}), {kFriend}},
      {"NotIn matches an absent key",
       expression("tier", "NotIn", {"front"}),
       {kStranger, kLost}},
      {"Exists", expression("tier", "Exists"), {kFriend}},
      {"DoesNotExist", expression("app", "DoesNotExist"), {kLost}},
      {"labels and expressions together",
       PodInNamespacePeer(all, mixed),
       {kFriend}},
      {"a missing namespace has no labels: In",
       in_namespace("env", "In", {"prod", "dev"}),
       {kFriend, kStranger}},
      {"a missing namespace has no labels: NotIn",
       in_namespace("env", "NotIn", {"prod"}),
       {kStranger, kLost}},
      {"a missing namespace has no labels: DoesNotExist",
       in_namespace("env", "DoesNotExist"),
       {kLost}},
      {"an unknown operator", expression("app", "Like", {"cart"}), {}},
      {"an unknown operator beside a label that matches", PodPeer(wrong), {}},
      {"In without values", expression("app", "In"), {}},
      {"NotIn without values", expression("app", "NotIn"), {}},
      {"Exists with values", expression("app", "Exists", {"cart"}), {}},
      {"DoesNotExist with values",
       in_namespace("env", "DoesNotExist", {"x"}),
       {}},
  };
}

std::vector<PeerCase> BlockPeerCases() {
  const k8s::NetworkPolicyPeer empty;
  k8s::NetworkPolicyPeer both = BlockPeer("0.0.0.0/0");
  both.mutable_pod_selector();
  k8s::NetworkPolicyPeer no_cidr;
  no_cidr.mutable_ip_block();
  return {
      {"an empty peer", empty, {}},
      {"a block with a selector", both, {}},
      {"a block without cidr", no_cidr, {}},
      {"everything",
       BlockPeer("0.0.0.0/0"),
       {kFriend, kStranger, kLost, kOutside}},
      {"one address", BlockPeer("192.0.2.1/32"), {kOutside}},
      {"a block matches pods as plain addresses",
       BlockPeer("10.42.1.4/31"),
       {kFriend}},
      {"host bits are ignored",
       BlockPeer("10.42.1.77/24"),
       {kFriend, kStranger, kLost}},
      {"an except", BlockPeer("10.42.1.0/24", {"10.42.1.6/31"}), {kFriend}},
      {"an except inside an except",
       BlockPeer("10.42.1.0/24", {"10.42.1.6/31", "10.42.1.6/32"}),
       {kFriend}},
      {"an except with host bits",
       BlockPeer("0.0.0.0/0", {"10.42.1.9/24"}),
       {kOutside}},
      {"an except equal to its block",
       BlockPeer("10.42.1.0/24", {"10.42.1.0/24"}),
       {}},
      {"an except around its block",
       BlockPeer("10.42.1.0/24", {"10.0.0.0/8"}),
       {}},
      {"an except elsewhere",
       BlockPeer("10.42.1.5/32", {"192.0.2.0/24"}),
       {kFriend}},
      {"an except of the other family",
       BlockPeer("192.0.2.0/24", {"::/0"}),
       {kOutside}},
      {"the other family", BlockPeer("::/0"), {}},
      {"IPv4 written as IPv6", BlockPeer("::ffff:192.0.2.0/120"), {kOutside}},
      {"no length", BlockPeer("192.0.2.1"), {}},
      {"a length out of range", BlockPeer("192.0.2.0/33"), {}},
      {"no address at all", BlockPeer("everything"), {}},
      {"an except that cannot be read",
       BlockPeer("0.0.0.0/0", {"10.0.0.0"}),
       {}},
  };
}

void ExpectMatches(const std::vector<PeerCase>& cases) {
  for (const PeerCase& test : cases) {
    const k8s::NetworkPolicy from =
        PolicyBuilder("shop", "p").Ingress({test.peer}).Build();
    const k8s::NetworkPolicy to =
        PolicyBuilder("shop", "p").Egress({test.peer}).Build();
    std::vector<std::string> sources;
    std::vector<std::string> destinations;
    for (const char* address : {kFriend, kStranger, kLost, kOutside}) {
      if (Allowed(from, Tcp80(address, kWeb))) sources.push_back(address);
      if (Allowed(to, Tcp80(kWeb, address))) destinations.push_back(address);
    }
    EXPECT_EQ(sources, test.matched) << "from: " << test.what;
    EXPECT_EQ(destinations, test.matched) << "to: " << test.what;
  }
}

TEST(ReferenceEvaluatorPolicyTest, SelectorPeersMatchPods) {
  ExpectMatches(SelectorPeerCases());
}

TEST(ReferenceEvaluatorPolicyTest, OtherPeersMatchAddresses) {
  ExpectMatches(BlockPeerCases());
}

TEST(ReferenceEvaluatorPolicyTest, PeersOfOneRuleAreAlternatives) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p")
          .Ingress({NamespacePeer(MatchLabels({{"env", "dev"}})),
                    BlockPeer("192.0.2.0/24")})
          .Build();
  EXPECT_TRUE(Allowed(policy, Tcp80(kStranger, kWeb)));
  EXPECT_TRUE(Allowed(policy, Tcp80(kOutside, kWeb)));
  EXPECT_FALSE(Allowed(policy, Tcp80(kFriend, kWeb)));
}

// Blocks are not cut out of each other: an except holds in its own block only.
TEST(ReferenceEvaluatorPolicyTest, ExceptDoesNotTouchOtherBlocks) {
  const k8s::NetworkPolicy policy =
      PolicyBuilder("shop", "p")
          .Ingress({BlockPeer("192.0.2.0/24", {"192.0.2.1/32"}),
                    BlockPeer("192.0.0.0/16")})
          .Build();
  EXPECT_TRUE(Allowed(policy, Tcp80(kOutside, kWeb)));
}

TEST(ReferenceEvaluatorPolicyTest, NameLabelIsWhatTheObjectSays) {
  Cluster cluster = Base();
  cluster.namespaces[1] =
      MakeNamespace("bank", {{"kubernetes.io/metadata.name", "other"}});
  const k8s::NetworkPolicyPeer peer =
      NamespacePeer(MatchLabels({{"kubernetes.io/metadata.name", "bank"}}));
  cluster.policies = {PolicyBuilder("shop", "p").Ingress({peer}).Build()};
  EXPECT_FALSE(Evaluate(cluster, NodeA(), Tcp80(kStranger, kWeb)).allowed);
}

}  // namespace
}  // namespace netpol
