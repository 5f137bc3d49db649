#include "netpol/state/cluster_state.h"

#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }
Pod Of(const PodBuilder& builder) { return *ParsePod(builder.Build()); }
NetworkPolicy Of(const PolicyBuilder& builder) {
  return *ParseNetworkPolicy(builder.Build());
}
Namespace Ns(absl::string_view name, const LabelList& labels = {}) {
  return *ParseNamespace(MakeNamespace(name, labels));
}

PodBuilder Web(absl::string_view name, absl::string_view ip) {
  return PodBuilder("red", name).On("node-a").Ip(ip).Label("app", "web");
}

PodTerm AppOfTeam(std::string team) {
  PodTerm term;
  term.namespaces =
      Selector({{"team", Requirement::Operator::kIn, {std::move(team)}}});
  return term;
}
PodTerm AppIn(std::string ns, std::string app) {
  PodTerm term;
  term.namespace_name = std::move(ns);
  term.pods = Selector({{"app", Requirement::Operator::kIn, {std::move(app)}}});
  return term;
}

class ClusterStateTest : public testing::Test {
 protected:
  std::vector<std::string> Names(
      const std::vector<const NetworkPolicy*>& policies) {
    std::vector<std::string> names;
    for (const NetworkPolicy* policy : policies)
      names.push_back(policy->key.name);
    return names;
  }
  std::string OwnerOf(absl::string_view address) {
    const Pod* owner = state_.LocalOwner(Ip(address));
    return owner == nullptr ? "" : owner->key.name;
  }

  ClusterState state_{"node-a"};
};

// ---- This node.

TEST_F(ClusterStateTest, OnlyTheOwnNodeIsKeptAndEachChangeOfItToldOnce) {
  const auto node = [](const NodeBuilder& builder) {
    return *ParseNode(builder.Build());
  };
  state_.UpsertNode(node(NodeBuilder("node-b").PodCidr("10.42.1.0/24")));
  EXPECT_EQ(state_.own_node(), nullptr);
  EXPECT_TRUE(state_.TakeDirty().empty());

  state_.UpsertNode(node(NodeBuilder("node-a").PodCidr("10.42.0.0/24")));
  ASSERT_NE(state_.own_node(), nullptr);
  EXPECT_EQ(state_.own_node()->pod_cidrs.size(), 1u);
  EXPECT_TRUE(state_.TakeDirty().own_node);
  state_.UpsertNode(node(NodeBuilder("node-a").PodCidr("10.42.0.0/24")));
  EXPECT_TRUE(state_.TakeDirty().empty()) << "the same again";
  state_.UpsertNode(node(NodeBuilder("node-a").Address("172.31.0.1")));
  EXPECT_TRUE(state_.TakeDirty().own_node);

  state_.DeleteNode("node-b");
  EXPECT_NE(state_.own_node(), nullptr);
  state_.DeleteNode("node-a");
  EXPECT_EQ(state_.own_node(), nullptr);
  EXPECT_TRUE(state_.TakeDirty().own_node);
  state_.DeleteNode("node-a");
  EXPECT_TRUE(state_.TakeDirty().empty());
}

// ---- Namespaces.

TEST_F(ClusterStateTest, UnknownNamespaceHasItsNameAsLabel) {
  PodTerm by_name;
  by_name.namespaces = Selector(
      {{"kubernetes.io/metadata.name", Requirement::Operator::kIn, {"red"}}});
  const ExpressionId id = state_.Watch(PodSetExpression({by_name}));
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_THAT(state_.Members(id), ElementsAre(Ip("10.42.0.5")));
}

TEST_F(ClusterStateTest, NamespaceThatComesLateBringsItsPods) {
  const ExpressionId id = state_.Watch(PodSetExpression({AppOfTeam("a")}));
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_THAT(state_.Members(id), IsEmpty());
  state_.TakeDirty();
  state_.UpsertNamespace(Ns("red", {{"team", "a"}}));
  EXPECT_THAT(state_.Members(id), ElementsAre(Ip("10.42.0.5")));
  const DirtySet dirty = state_.TakeDirty();
  ASSERT_EQ(dirty.memberships.size(), 1u);
  EXPECT_EQ(dirty.memberships[0].expression, id);
  EXPECT_EQ(dirty.memberships[0].address, Ip("10.42.0.5"));
  EXPECT_TRUE(dirty.memberships[0].member);
}

TEST_F(ClusterStateTest, DeletedNamespaceLosesItsLabelsAndKeepsItsPods) {
  const ExpressionId team = state_.Watch(PodSetExpression({AppOfTeam("a")}));
  const ExpressionId all = state_.Watch(PodSetExpression({PodTerm()}));
  state_.UpsertNamespace(Ns("red", {{"team", "a"}}));
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  state_.DeleteNamespace("red");
  EXPECT_THAT(state_.Members(team), IsEmpty());
  EXPECT_THAT(state_.Members(all), ElementsAre(Ip("10.42.0.5")));
}

TEST_F(ClusterStateTest, OnlyNamespacesThatWereToldAreCounted) {
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_EQ(state_.namespace_count(), 0u);
  state_.UpsertNamespace(Ns("red"));
  EXPECT_EQ(state_.namespace_count(), 1u);
  state_.DeleteNamespace("red");
  state_.DeleteNamespace("never seen");
  EXPECT_EQ(state_.namespace_count(), 0u);
}

// ---- What is told.

TEST_F(ClusterStateTest, NothingIsDirtyWithoutAnEvent) {
  EXPECT_TRUE(state_.TakeDirty().empty());
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_FALSE(state_.TakeDirty().empty());
  EXPECT_TRUE(state_.TakeDirty().empty());
}

TEST_F(ClusterStateTest, SameObjectAgainTellsNothing) {
  state_.Watch(PodSetExpression({PodTerm()}));
  const PolicyBuilder policy = PolicyBuilder("red", "p").Ingress();
  for (int i = 0; i < 2; ++i) {
    state_.UpsertNamespace(Ns("red", {{"team", "a"}}));
    state_.UpsertPod(Of(Web("p", "10.42.0.5")));
    state_.UpsertPolicy(Of(policy));
    EXPECT_EQ(state_.TakeDirty().empty(), i == 1);
  }
}

TEST_F(ClusterStateTest, DeletingWhatIsNotThereTellsNothing) {
  state_.DeletePod({"red", "p"});
  state_.DeletePolicy({"red", "p"});
  state_.DeleteNamespace("red");
  EXPECT_TRUE(state_.TakeDirty().empty());
}

TEST_F(ClusterStateTest, RemotePodIsNoSubject) {
  state_.UpsertPolicy(Of(PolicyBuilder("red", "p").Ingress()));
  state_.TakeDirty();
  state_.UpsertPod(Of(Web("far", "10.42.1.5").On("node-b")));
  const DirtySet dirty = state_.TakeDirty();
  EXPECT_THAT(dirty.local_pods, IsEmpty());
  EXPECT_THAT(dirty.local_addresses, IsEmpty());
  EXPECT_EQ(OwnerOf("10.42.1.5"), "");
}

TEST_F(ClusterStateTest, ExpressionsThatDoNotChooseThePodAreLeftAlone) {
  state_.Watch(PodSetExpression({AppIn("red", "db")}));
  const ExpressionId web =
      state_.Watch(PodSetExpression({AppIn("red", "web")}));
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  const DirtySet dirty = state_.TakeDirty();
  ASSERT_EQ(dirty.memberships.size(), 1u);
  EXPECT_EQ(dirty.memberships[0].expression, web);
}

TEST_F(ClusterStateTest, PolicyMarksTheSubjectsItHadAndHas) {
  state_.UpsertPod(Of(Web("web", "10.42.0.5")));
  state_.UpsertPod(Of(
      PodBuilder("red", "db").On("node-a").Ip("10.42.0.6").Label("app", "db")));
  state_.UpsertPod(Of(PodBuilder("red", "other").On("node-a").Ip("10.42.0.7")));
  state_.UpsertPolicy(
      Of(PolicyBuilder("red", "p").Selects(LabelList{{"app", "web"}})));
  state_.TakeDirty();
  state_.UpsertPolicy(
      Of(PolicyBuilder("red", "p").Selects(LabelList{{"app", "db"}})));
  const DirtySet dirty = state_.TakeDirty();
  EXPECT_THAT(dirty.policies, ElementsAre(ObjectKey{"red", "p"}));
  EXPECT_THAT(dirty.local_pods,
              ElementsAre(ObjectKey{"red", "db"}, ObjectKey{"red", "web"}));
}

TEST_F(ClusterStateTest, DeletedPolicyMarksItsSubjects) {
  state_.UpsertPod(Of(Web("web", "10.42.0.5")));
  state_.UpsertPolicy(Of(PolicyBuilder("red", "p")));
  state_.TakeDirty();
  state_.DeletePolicy({"red", "p"});
  const DirtySet dirty = state_.TakeDirty();
  EXPECT_THAT(dirty.policies, ElementsAre(ObjectKey{"red", "p"}));
  EXPECT_THAT(dirty.local_pods, ElementsAre(ObjectKey{"red", "web"}));
  EXPECT_EQ(state_.FindPolicy({"red", "p"}), nullptr);
}

// ---- Subjects.

TEST_F(ClusterStateTest, PoliciesOfAPodAreThoseOfItsNamespaceInOrder) {
  state_.UpsertPolicy(Of(PolicyBuilder("red", "z")));
  state_.UpsertPolicy(
      Of(PolicyBuilder("red", "b").Selects(LabelList{{"app", "web"}})));
  state_.UpsertPolicy(
      Of(PolicyBuilder("red", "a").Selects(LabelList{{"app", "db"}})));
  state_.UpsertPolicy(Of(PolicyBuilder("blue", "c")));
  state_.UpsertPolicy(
      Of(PolicyBuilder("red", "d")
             .Selects(MatchExpression("tier", "DoesNotExist"))));
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_THAT(Names(state_.PoliciesSelecting(*state_.FindPod({"red", "p"}))),
              ElementsAre("b", "d", "z"));
  state_.DeletePolicy({"red", "d"});
  state_.UpsertPod(Of(
      PodBuilder("red", "p").On("node-a").Ip("10.42.0.5").Label("app", "db")));
  EXPECT_THAT(Names(state_.PoliciesSelecting(*state_.FindPod({"red", "p"}))),
              ElementsAre("a", "z"));
}

TEST_F(ClusterStateTest, YoungerLocalPodOwnsASharedAddress) {
  state_.UpsertPod(Of(Web("old", "10.42.0.5").Created(100)));
  state_.UpsertPod(Of(Web("young", "10.42.0.5").Created(200)));
  EXPECT_EQ(OwnerOf("10.42.0.5"), "young");
  const DirtySet dirty = state_.TakeDirty();
  EXPECT_THAT(
      dirty.local_pods,
      UnorderedElementsAre(ObjectKey{"red", "old"}, ObjectKey{"red", "young"}));
  state_.DeletePod({"red", "young"});
  EXPECT_EQ(OwnerOf("10.42.0.5"), "old");
  EXPECT_THAT(state_.TakeDirty().local_pods, Contains(ObjectKey{"red", "old"}));
}

TEST_F(ClusterStateTest, OwnerDoesNotDependOnTheOrderOfArrival) {
  state_.UpsertPod(Of(Web("young", "10.42.0.5").Created(200)));
  state_.UpsertPod(Of(Web("old", "10.42.0.5").Created(100)));
  EXPECT_EQ(OwnerOf("10.42.0.5"), "young");
}

TEST_F(ClusterStateTest, NameDecidesBetweenPodsOfOneSecond) {
  state_.UpsertPod(Of(Web("b", "10.42.0.5").Created(1)));
  state_.UpsertPod(Of(Web("a", "10.42.0.5").Created(1)));
  EXPECT_EQ(OwnerOf("10.42.0.5"), "b");
}

TEST_F(ClusterStateTest, RemotePodDoesNotOwnALocalAddress) {
  state_.UpsertPod(Of(Web("here", "10.42.0.5").Created(100)));
  state_.UpsertPod(Of(Web("far", "10.42.0.5").On("node-b").Created(200)));
  EXPECT_EQ(OwnerOf("10.42.0.5"), "here");
}

TEST_F(ClusterStateTest, FinishedPodGivesItsAddressBack) {
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  state_.TakeDirty();
  state_.UpsertPod(Of(Web("p", "10.42.0.5").Phase("Succeeded")));
  EXPECT_EQ(OwnerOf("10.42.0.5"), "");
  EXPECT_THAT(state_.TakeDirty().local_addresses, ElementsAre(Ip("10.42.0.5")));
}

// ---- Peers.

TEST_F(ClusterStateTest, SharedAddressIsAMemberWhileAnyOwnerMatches) {
  const ExpressionId id = state_.Watch(PodSetExpression({AppIn("red", "web")}));
  state_.UpsertPod(Of(Web("a", "10.42.0.5")));
  state_.UpsertPod(Of(Web("b", "10.42.0.5").Label("app", "db")));
  EXPECT_THAT(state_.Members(id), ElementsAre(Ip("10.42.0.5")));
  state_.TakeDirty();
  state_.DeletePod({"red", "b"});
  for (const MembershipChange& change : state_.TakeDirty().memberships)
    EXPECT_TRUE(change.member);
  state_.DeletePod({"red", "a"});
  EXPECT_THAT(state_.Members(id), IsEmpty());
  const DirtySet dirty = state_.TakeDirty();
  ASSERT_THAT(dirty.memberships, Not(IsEmpty()));
  EXPECT_FALSE(dirty.memberships.back().member);
}

TEST_F(ClusterStateTest, NobodyIsToldOfAnExpressionNoLongerWatched) {
  const ExpressionId id = state_.Watch(PodSetExpression({AppIn("red", "web")}));
  state_.Unwatch(id);
  state_.UpsertPod(Of(Web("p", "10.42.0.5")));
  EXPECT_THAT(state_.TakeDirty().memberships, IsEmpty());
}

}  // namespace
}  // namespace netpol
