#include "bench/yardstick/policy_model.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/yardstick/object_cache.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> NamesOf(const std::vector<const CachedPod*>& pods) {
  std::vector<std::string> names;
  for (const CachedPod* pod : pods) names.push_back(pod->name);
  return names;
}

// Namespaces a and b, with two pods each.
class PolicyModelTest : public testing::Test {
 protected:
  PolicyModelTest() {
    cache_.Apply(Upsert(MakeNamespace("a", {{"team", "one"}})));
    cache_.Apply(Upsert(MakeNamespace("b", {{"team", "two"}})));
    cache_.Apply(Upsert(Pod("a", "web", 1).Port("http", 8080).Build()));
    cache_.Apply(Upsert(Pod("a", "db", 2).Port("http", 9090).Build()));
    cache_.Apply(Upsert(Pod("b", "web", 3).Port("http", 80).Build()));
    cache_.Apply(Upsert(Pod("b", "db", 4).Build()));
  }

  static PodBuilder Pod(absl::string_view ns, absl::string_view app, int ip) {
    PodBuilder pod(ns, absl::StrCat(ns, "-", app));
    pod.Ip(absl::StrCat("10.0.0.", ip)).Label("app", app).Phase("Running");
    return pod;
  }

  // The model of this policy, the only one.
  PolicyModel ModelOf(const PolicyBuilder& policy) {
    policy_ = policy.Build();
    cache_.Apply(Upsert(policy_));
    std::vector<PolicyModel> models = BuildPolicyModels(cache_);
    EXPECT_EQ(models.size(), 1u);
    return std::move(models.front());
  }

  ObjectCache cache_;
  k8s::NetworkPolicy policy_;
};

TEST_F(PolicyModelTest, SelectsPodsOfItsNamespaceOnly) {
  const PolicyModel model =
      ModelOf(PolicyBuilder("a", "p").Selects({{"app", "web"}}).Ingress());
  ASSERT_EQ(model.targets.size(), 1u);
  EXPECT_EQ(model.targets.begin()->second->name, "a-web");
  EXPECT_TRUE(model.ingress);
  EXPECT_FALSE(model.egress);
  EXPECT_TRUE(model.ingress_rules[0].all_peers);
  EXPECT_TRUE(model.ingress_rules[0].all_ports);
}

TEST_F(PolicyModelTest, PeersAreChosenByEitherSelectorOrBoth) {
  const PolicyModel model = ModelOf(
      PolicyBuilder("a", "p")
          .Ingress({PodPeer(MatchExpression("app", "NotIn", {"web"}))})
          .Ingress({NamespacePeer(MatchLabels({{"team", "two"}}))})
          .Ingress({PodInNamespacePeer(MatchExpression("team", "Exists"),
                                       MatchLabels({{"app", "web"}}))})
          .Ingress({PodPeer(MatchLabels({{"app", "nobody"}}))}));
  ASSERT_EQ(model.ingress_rules.size(), 4u);
  EXPECT_THAT(NamesOf(model.ingress_rules[0].peers), ElementsAre("a-db"));
  EXPECT_THAT(NamesOf(model.ingress_rules[1].peers),
              ElementsAre("b-db", "b-web"));
  EXPECT_THAT(NamesOf(model.ingress_rules[2].peers),
              ElementsAre("a-web", "b-web"));
  EXPECT_THAT(NamesOf(model.ingress_rules[3].peers), IsEmpty());
  EXPECT_FALSE(model.ingress_rules[3].all_peers);
}

TEST_F(PolicyModelTest, APortNameIsWhatTheReceivingPodsCallIt) {
  const PolicyModel ingress =
      ModelOf(PolicyBuilder("a", "p").Ingress({}, {NamePort("TCP", "http")}));
  const std::vector<NamedPortModel>& own = ingress.ingress_rules[0].named_ports;
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(own[0].number, 8080);
  EXPECT_THAT(NamesOf(own[0].pods), ElementsAre("a-web"));
  EXPECT_EQ(own[1].number, 9090);

  const PolicyModel egress =
      ModelOf(PolicyBuilder("a", "p")
                  .Types({"Egress"})
                  .Egress({NamespacePeer(MatchLabels({{"team", "two"}}))},
                          {NamePort("TCP", "http"), NumberPort("UDP", 53),
                           RangePort("TCP", 10, 20), ProtocolPort("SCTP")}));
  const RuleModel& rule = egress.egress_rules[0];
  ASSERT_EQ(rule.named_ports.size(), 1u);
  EXPECT_EQ(rule.named_ports[0].number, 80);
  ASSERT_EQ(rule.ports.size(), 3u);
  EXPECT_EQ(rule.ports[0].numbers, "53");
  EXPECT_EQ(rule.ports[1].numbers, "10:20");
  EXPECT_EQ(rule.ports[2].protocol, "SCTP");
  EXPECT_EQ(rule.ports[2].numbers, "");
}

TEST_F(PolicyModelTest, PodsThatDoNotRunOrAreTheHostsAreNobody) {
  cache_.Apply(Upsert(Pod("a", "web", 1).Phase("Succeeded").Build()));
  cache_.Apply(Upsert(Pod("a", "db", 2).HostNetwork().Build()));
  EXPECT_TRUE(ModelOf(PolicyBuilder("a", "p")).targets.empty());
}

TEST_F(PolicyModelTest, WhatIsDeletedIsGone) {
  cache_.Apply(Delete(Pod("a", "web", 1).Build()));
  EXPECT_EQ(ModelOf(PolicyBuilder("a", "p")).targets.size(), 1u);
  cache_.Apply(Delete(policy_));
  EXPECT_THAT(BuildPolicyModels(cache_), IsEmpty());
}

}  // namespace
}  // namespace netpol
