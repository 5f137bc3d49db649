#include "netpol/policy/selector.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "gtest/gtest.h"
#include "netpol/policy/labels.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

using Operator = Requirement::Operator;

Requirement In(std::string key, std::vector<std::string> values) {
  return {std::move(key), Operator::kIn, std::move(values)};
}
Requirement NotIn(std::string key, std::vector<std::string> values) {
  return {std::move(key), Operator::kNotIn, std::move(values)};
}
Requirement Exists(std::string key) {
  return {std::move(key), Operator::kExists, {}};
}
Requirement DoesNotExist(std::string key) {
  return {std::move(key), Operator::kDoesNotExist, {}};
}

bool Matches(Requirement requirement, const Labels& labels) {
  return Selector({std::move(requirement)}).Matches(labels);
}

const Labels kWeb = LabelsOf({{"app", "web"}, {"empty", ""}});

TEST(SelectorTest, InNeedsTheKeyAndOneOfTheValues) {
  EXPECT_TRUE(Matches(In("app", {"web"}), kWeb));
  EXPECT_TRUE(Matches(In("app", {"web", "db", "cache"}), kWeb));
  EXPECT_FALSE(Matches(In("app", {"db"}), kWeb));
  EXPECT_FALSE(Matches(In("tier", {"web"}), kWeb));
  EXPECT_TRUE(Matches(In("empty", {""}), kWeb));
  EXPECT_FALSE(Matches(In("tier", {""}), kWeb));
}

TEST(SelectorTest, NotInIsMetByAnAbsentKey) {
  EXPECT_TRUE(Matches(NotIn("tier", {"web"}), kWeb));
  EXPECT_TRUE(Matches(NotIn("app", {"db", "cache"}), kWeb));
  EXPECT_FALSE(Matches(NotIn("app", {"db", "web"}), kWeb));
  EXPECT_FALSE(Matches(NotIn("empty", {""}), kWeb));
}

TEST(SelectorTest, ExistenceLooksAtTheKeyOnly) {
  EXPECT_TRUE(Matches(Exists("empty"), kWeb));
  EXPECT_FALSE(Matches(Exists("tier"), kWeb));
  EXPECT_FALSE(Matches(DoesNotExist("empty"), kWeb));
  EXPECT_TRUE(Matches(DoesNotExist("tier"), kWeb));
}

TEST(SelectorTest, ValuesAreComparedBytewise) {
  EXPECT_FALSE(Matches(In("app", {"Web"}), kWeb));
  EXPECT_FALSE(Matches(In("App", {"web"}), kWeb));
  EXPECT_FALSE(Matches(In("app", {"not a label value!"}), kWeb));
  EXPECT_TRUE(Matches(NotIn("app", {"not a label value!"}), kWeb));
}

TEST(SelectorTest, NoRequirementMatchesEverything) {
  EXPECT_TRUE(Selector().Matches(Labels()));
  EXPECT_TRUE(Selector().Matches(kWeb));
}

TEST(SelectorTest, AllRequirementsMustHold) {
  EXPECT_TRUE(Selector({In("app", {"web"}), Exists("empty")}).Matches(kWeb));
  EXPECT_FALSE(Selector({In("app", {"web"}), Exists("tier")}).Matches(kWeb));
  // Two of one key: both.
  EXPECT_FALSE(
      Selector({In("app", {"web", "db"}), In("app", {"db"})}).Matches(kWeb));
}

TEST(SelectorTest, EqualHoweverItIsWritten) {
  const Selector a({In("app", {"b", "a"}), Exists("x"), Exists("x")});
  const Selector b({Exists("x"), In("app", {"a", "b", "a"})});
  EXPECT_EQ(a, b);
  EXPECT_EQ(absl::HashOf(a), absl::HashOf(b));
  EXPECT_FALSE(a < b);
  EXPECT_FALSE(b < a);
}

TEST(SelectorTest, DifferentOperatorsAreDifferent) {
  EXPECT_FALSE(Selector({In("app", {"a"})}) == Selector({NotIn("app", {"a"})}));
  EXPECT_FALSE(Selector({Exists("app")}) == Selector({DoesNotExist("app")}));
  EXPECT_FALSE(Selector() == Selector({Exists("app")}));
}

TEST(SelectorTest, TextIsThatOfKubectl) {
  EXPECT_EQ(Selector({In("app", {"web"}), In("tier", {"b", "a"}),
                      DoesNotExist("old"), Exists("x"), NotIn("y", {"1", "2"})})
                .ToString(),
            "app=web,!old,tier in (a,b),x,y notin (1,2)");
  EXPECT_EQ(Selector().ToString(), "everything");
}

TEST(PodTermTest, OneNamespaceIsMatchedByNameAlone) {
  PodTerm term;
  term.namespace_name = "red";
  EXPECT_TRUE(term.MatchesNamespace("red", Labels()));
  EXPECT_FALSE(term.MatchesNamespace("blue", Labels()));
}

TEST(PodTermTest, NamespacesAreMatchedByTheirLabels) {
  PodTerm term;
  term.namespaces = Selector({In("team", {"a"})});
  EXPECT_TRUE(term.MatchesNamespace("red", LabelsOf({{"team", "a"}})));
  EXPECT_FALSE(term.MatchesNamespace("red", LabelsOf({{"team", "b"}})));
  EXPECT_FALSE(term.MatchesNamespace("red", Labels()));
}

TEST(PodTermTest, EmptyNamespaceSelectorIsEveryNamespace) {
  EXPECT_TRUE(PodTerm().MatchesNamespace("red", Labels()));
}

TEST(PodTermTest, TextTellsANamespaceFromASelector) {
  PodTerm by_name;
  by_name.namespace_name = "everything";
  EXPECT_NE(by_name.ToString(), PodTerm().ToString());
}

PodTerm TermIn(std::string ns, std::string app) {
  PodTerm term;
  term.namespace_name = std::move(ns);
  term.pods = Selector({In("app", {std::move(app)})});
  return term;
}

TEST(PodSetExpressionTest, EqualInAnyOrderAndNumber) {
  const PodTerm a = TermIn("red", "web");
  const PodTerm b = TermIn("blue", "db");
  const PodSetExpression first({a, b});
  const PodSetExpression second({b, a, b});
  EXPECT_EQ(first, second);
  EXPECT_EQ(absl::HashOf(first), absl::HashOf(second));
  EXPECT_EQ(first.ToString(), second.ToString());
  EXPECT_EQ(first.terms().size(), 2u);
}

TEST(PodSetExpressionTest, DifferentTermsAreDifferent) {
  EXPECT_FALSE(PodSetExpression({TermIn("red", "web")}) ==
               PodSetExpression({TermIn("blue", "web")}));
  EXPECT_FALSE(PodSetExpression({TermIn("red", "web")}) == PodSetExpression());
  PodTerm everywhere;
  everywhere.pods = TermIn("red", "web").pods;
  EXPECT_FALSE(PodSetExpression({everywhere}) ==
               PodSetExpression({TermIn("red", "web")}));
}

}  // namespace
}  // namespace netpol
