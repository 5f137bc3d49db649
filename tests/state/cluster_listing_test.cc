// A new listing of everything: what is not in it is gone, and nothing else
// happens.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Pod PodOf(int number) {
  return *ParsePod(PodBuilder("red", absl::StrCat("pod-", number))
                       .On("node-a")
                       .Ip(absl::StrCat("10.42.0.", number + 1))
                       .Build());
}

NetworkPolicy PolicyOf(absl::string_view name) {
  return *ParseNetworkPolicy(PolicyBuilder("red", name).Build());
}

class ClusterListingTest : public testing::Test {
 protected:
  ClusterState state_{"node-a"};
};

TEST_F(ClusterListingTest, PodsThatAreNotToldAgainAreForgotten) {
  for (int i = 0; i < 3; ++i) state_.UpsertPod(PodOf(i));
  state_.TakeDirty();
  state_.BeginListing(ListedKind::kPods);
  state_.UpsertPod(PodOf(1));
  EXPECT_EQ(state_.pod_count(), 3u) << "nothing goes before the end";
  EXPECT_TRUE(state_.TakeDirty().empty()) << "nothing new was told";
  EXPECT_THAT(
      state_.EndListing(ListedKind::kPods),
      ElementsAre(ObjectKey{"red", "pod-0"}, ObjectKey{"red", "pod-2"}));
  EXPECT_EQ(state_.pod_count(), 1u);
  EXPECT_FALSE(state_.TakeDirty().empty());
}

TEST_F(ClusterListingTest, WithoutABeginTheEndForgetsNothing) {
  state_.UpsertPod(PodOf(0));
  EXPECT_THAT(state_.EndListing(ListedKind::kPods), IsEmpty());
  state_.BeginListing(ListedKind::kPods);
  state_.CancelListing(ListedKind::kPods);
  EXPECT_THAT(state_.EndListing(ListedKind::kPods), IsEmpty());
  EXPECT_EQ(state_.pod_count(), 1u);
}

TEST_F(ClusterListingTest, AnotherBeginStartsAnew) {
  state_.UpsertPod(PodOf(0));
  state_.UpsertPod(PodOf(1));
  state_.BeginListing(ListedKind::kPods);
  state_.UpsertPod(PodOf(0));
  state_.BeginListing(ListedKind::kPods);
  state_.UpsertPod(PodOf(1));
  EXPECT_THAT(state_.EndListing(ListedKind::kPods),
              ElementsAre(ObjectKey{"red", "pod-0"}));
}

TEST_F(ClusterListingTest, WhatIsDeletedMeanwhileIsNotForgottenTwice) {
  state_.UpsertPod(PodOf(0));
  state_.UpsertPod(PodOf(1));
  state_.BeginListing(ListedKind::kPods);
  state_.UpsertPod(PodOf(0));
  state_.DeletePod({"red", "pod-0"});
  EXPECT_THAT(state_.EndListing(ListedKind::kPods),
              ElementsAre(ObjectKey{"red", "pod-1"}));
}

TEST_F(ClusterListingTest, EveryKindHasItsOwn) {
  state_.UpsertNamespace(*ParseNamespace(MakeNamespace("red", {{"a", "b"}})));
  state_.UpsertPod(PodOf(0));
  state_.UpsertPolicy(PolicyOf("allow"));
  state_.UpsertNode(*ParseNode(NodeBuilder("node-a").Build()));
  for (ListedKind kind : {ListedKind::kNamespaces, ListedKind::kPods,
                          ListedKind::kNodes, ListedKind::kPolicies}) {
    state_.BeginListing(kind);
  }
  EXPECT_THAT(state_.EndListing(ListedKind::kPolicies),
              ElementsAre(ObjectKey{"red", "allow"}));
  EXPECT_EQ(state_.policy_count(), 0u);
  EXPECT_EQ(state_.pod_count(), 1u);
  EXPECT_THAT(state_.EndListing(ListedKind::kNodes),
              ElementsAre(ObjectKey{"", "node-a"}));
  EXPECT_EQ(state_.own_node(), nullptr);
  EXPECT_THAT(state_.EndListing(ListedKind::kNamespaces),
              ElementsAre(ObjectKey{"", "red"}));
  EXPECT_EQ(state_.namespace_count(), 0u);
  EXPECT_THAT(state_.EndListing(ListedKind::kPods),
              ElementsAre(ObjectKey{"red", "pod-0"}));
}

TEST_F(ClusterListingTest, UnchangedObjectsOfEveryKindAreNotForgotten) {
  const auto tell = [&] {
    state_.UpsertNamespace(*ParseNamespace(MakeNamespace("red", {{"a", "b"}})));
    state_.UpsertPod(PodOf(0));
    state_.UpsertPolicy(PolicyOf("allow"));
    state_.UpsertNode(*ParseNode(NodeBuilder("node-a").Build()));
  };
  tell();
  state_.TakeDirty();
  const std::vector<ListedKind> kinds = {ListedKind::kNamespaces,
                                         ListedKind::kPods, ListedKind::kNodes,
                                         ListedKind::kPolicies};
  for (ListedKind kind : kinds) state_.BeginListing(kind);
  tell();
  for (ListedKind kind : kinds) EXPECT_THAT(state_.EndListing(kind), IsEmpty());
  EXPECT_TRUE(state_.TakeDirty().empty());
}

}  // namespace
}  // namespace netpol
