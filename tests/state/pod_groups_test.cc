#include "netpol/state/pod_groups.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Operator = Requirement::Operator;

Pod PodOf(const std::string& ns, const std::string& name,
          std::vector<Labels::Entry> labels) {
  Pod pod;
  pod.key = {ns, name};
  pod.labels = Labels(std::move(labels));
  return pod;
}

Selector In(const std::string& key, std::vector<std::string> values) {
  return Selector({{key, Operator::kIn, std::move(values)}});
}

// "namespace/pod" of every group that a way leads to.
std::vector<std::string> Chosen(const PodGroups& groups,
                                const Selector& selector) {
  std::vector<std::string> keys;
  groups.Visit(selector, [&](const PodGroups::Group& group) {
    for (const Pod* pod : group.pods) keys.push_back(pod->key.ToString());
  });
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> In(const PodGroups& groups, absl::string_view ns) {
  std::vector<std::string> keys;
  groups.VisitNamespace(ns, [&](const PodGroups::Group& group) {
    for (const Pod* pod : group.pods) keys.push_back(pod->key.name);
  });
  std::sort(keys.begin(), keys.end());
  return keys;
}

class PodGroupsTest : public testing::Test {
 protected:
  PodGroupsTest() {
    for (const Pod* pod : {&a1_, &a2_, &b_, &c_, &bare_}) groups_.Add(*pod);
  }

  const Pod a1_ = PodOf("red", "a1", {{"app", "a"}, {"tier", "front"}});
  const Pod a2_ = PodOf("red", "a2", {{"app", "a"}, {"tier", "front"}});
  const Pod b_ = PodOf("red", "b", {{"app", "b"}, {"tier", "back"}});
  const Pod c_ = PodOf("blue", "c", {{"app", "a"}, {"tier", "back"}});
  const Pod bare_ = PodOf("blue", "bare", {});
  PodGroups groups_;
};

TEST_F(PodGroupsTest, PodsOfANamespaceAreVisitedOnce) {
  EXPECT_THAT(In(groups_, "red"), ElementsAre("a1", "a2", "b"));
  EXPECT_THAT(In(groups_, "blue"), ElementsAre("bare", "c"));
  EXPECT_THAT(In(groups_, "green"), IsEmpty());
}

TEST_F(PodGroupsTest, EqualLabelsAreOneGroupInOneNamespace) {
  int count = 0;
  groups_.VisitNamespace("red", [&](const PodGroups::Group&) { ++count; });
  EXPECT_EQ(count, 2);
}

TEST_F(PodGroupsTest, ALabelLeadsToThePodsOfEveryNamespace) {
  EXPECT_THAT(Chosen(groups_, In("app", {"a"})),
              ElementsAre("blue/c", "red/a1", "red/a2"));
  EXPECT_THAT(Chosen(groups_, In("app", {"a", "b"})),
              ElementsAre("blue/c", "red/a1", "red/a2", "red/b"));
  EXPECT_THAT(Chosen(groups_, In("app", {"z"})), IsEmpty());
  EXPECT_THAT(Chosen(groups_, In("zone", {"a"})), IsEmpty());
}

TEST_F(PodGroupsTest, EveryRequirementCounts) {
  EXPECT_THAT(Chosen(groups_, Selector({{"app", Operator::kIn, {"a"}},
                                        {"tier", Operator::kIn, {"back"}}})),
              ElementsAre("blue/c"));
  EXPECT_THAT(Chosen(groups_, Selector({{"app", Operator::kIn, {"a"}},
                                        {"tier", Operator::kIn, {"none"}}})),
              IsEmpty());
  EXPECT_THAT(Chosen(groups_, Selector({{"app", Operator::kIn, {"a"}},
                                        {"tier", Operator::kNotIn, {"back"}}})),
              ElementsAre("red/a1", "red/a2"));
}

TEST_F(PodGroupsTest, OnlyValuesOfALabelAreAWay) {
  EXPECT_TRUE(PodGroups::IsAnchored(In("app", {"a"})));
  EXPECT_FALSE(PodGroups::IsAnchored(Selector()));
  EXPECT_FALSE(
      PodGroups::IsAnchored(Selector({{"app", Operator::kExists, {}}})));
  EXPECT_FALSE(
      PodGroups::IsAnchored(Selector({{"app", Operator::kNotIn, {"a"}}})));
}

TEST_F(PodGroupsTest, WhatGoesIsFoundNoMore) {
  groups_.Remove(a1_);
  EXPECT_THAT(Chosen(groups_, In("app", {"a"})),
              ElementsAre("blue/c", "red/a2"));
  groups_.Remove(a2_);
  EXPECT_THAT(Chosen(groups_, In("app", {"a"})), ElementsAre("blue/c"));
  EXPECT_THAT(Chosen(groups_, In("tier", {"front"})), IsEmpty());
  EXPECT_THAT(In(groups_, "red"), ElementsAre("b"));
  groups_.Remove(b_);
  EXPECT_FALSE(groups_.HasPods("red"));
  EXPECT_TRUE(groups_.HasPods("blue"));
}

TEST_F(PodGroupsTest, PlacesOfGroupsThatWentAreUsedAgain) {
  groups_.Remove(b_);
  const Pod d = PodOf("green", "d", {{"app", "d"}, {"tier", "back"}});
  groups_.Add(d);
  EXPECT_THAT(Chosen(groups_, In("tier", {"back"})),
              ElementsAre("blue/c", "green/d"));
  EXPECT_THAT(Chosen(groups_, In("app", {"b"})), IsEmpty());
  groups_.Add(b_);
  EXPECT_THAT(Chosen(groups_, In("tier", {"back"})),
              ElementsAre("blue/c", "green/d", "red/b"));
}

}  // namespace
}  // namespace netpol
