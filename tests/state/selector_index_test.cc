#include "netpol/state/selector_index.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/objects.h"
#include "netpol/policy/selector.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Operator = Requirement::Operator;

PodTerm AppIn(std::string ns, std::string app) {
  PodTerm term;
  term.namespace_name = std::move(ns);
  term.pods = Selector({{"app", Operator::kIn, {std::move(app)}}});
  return term;
}

PodTerm AppOfTeam(std::string team, std::string app) {
  PodTerm term = AppIn("", std::move(app));
  term.namespaces = Selector({{"team", Operator::kIn, {std::move(team)}}});
  return term;
}

Pod PodOf(std::string ns, std::string app) {
  Pod pod;
  pod.key = {std::move(ns), "p"};
  pod.labels = LabelsOf({{"app", std::move(app)}});
  return pod;
}

TEST(SelectorIndexTest, EqualExpressionsShareAnId) {
  SelectorIndex index;
  const PodTerm a = AppIn("red", "web");
  const PodTerm b = AppIn("blue", "db");
  const ExpressionId id = index.Acquire(PodSetExpression({a, b}));
  EXPECT_EQ(index.Acquire(PodSetExpression({b, a, a})), id);
  EXPECT_NE(index.Acquire(PodSetExpression({a})), id);
  EXPECT_EQ(index.size(), 2u);
  EXPECT_EQ(index.Get(id), PodSetExpression({a, b}));
}

TEST(SelectorIndexTest, ExpressionLivesUntilItsLastUserLeaves) {
  SelectorIndex index;
  const PodSetExpression web({AppIn("red", "web")});
  const ExpressionId id = index.Acquire(web);
  index.Acquire(web);
  index.Release(id);
  EXPECT_THAT(index.Matching(PodOf("red", "web"), Labels()), ElementsAre(id));
  index.Release(id);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_THAT(index.Matching(PodOf("red", "web"), Labels()), IsEmpty());
}

TEST(SelectorIndexTest, IdOfAReleasedExpressionIsNotGivenToAnother) {
  SelectorIndex index;
  const ExpressionId old = index.Acquire(PodSetExpression({AppIn("red", "a")}));
  index.Release(old);
  EXPECT_NE(index.Acquire(PodSetExpression({AppIn("red", "b")})), old);
}

TEST(SelectorIndexTest, MatchingIsExact) {
  SelectorIndex index;
  const ExpressionId here =
      index.Acquire(PodSetExpression({AppIn("red", "web")}));
  const ExpressionId team =
      index.Acquire(PodSetExpression({AppOfTeam("a", "web")}));
  PodTerm negative;
  negative.pods = Selector({{"app", Operator::kNotIn, {"web"}}});
  const ExpressionId others = index.Acquire(PodSetExpression({negative}));
  const Labels of_a = LabelsOf({{"team", "a"}});

  EXPECT_THAT(index.Matching(PodOf("red", "web"), of_a),
              UnorderedElementsAre(here, team));
  EXPECT_THAT(index.Matching(PodOf("red", "web"), Labels()), ElementsAre(here));
  EXPECT_THAT(index.Matching(PodOf("blue", "web"), of_a), ElementsAre(team));
  EXPECT_THAT(index.Matching(PodOf("blue", "db"), of_a), ElementsAre(others));
}

TEST(SelectorIndexTest, ExpressionWithTwoMatchingTermsIsNamedOnce) {
  SelectorIndex index;
  const ExpressionId id = index.Acquire(
      PodSetExpression({AppIn("red", "web"), AppOfTeam("a", "web")}));
  EXPECT_THAT(index.Matching(PodOf("red", "web"), LabelsOf({{"team", "a"}})),
              ElementsAre(id));
}

TEST(SelectorIndexTest, NobodyIsInTheExpressionWithoutTerms) {
  SelectorIndex index;
  index.Acquire(PodSetExpression());
  EXPECT_THAT(index.Matching(PodOf("red", "web"), Labels()), IsEmpty());
}

TEST(SelectorIndexTest, OnlyNamespaceSelectorsTellNamespacesApart) {
  SelectorIndex index;
  index.Acquire(PodSetExpression({AppIn("red", "web")}));
  const ExpressionId team_a =
      index.Acquire(PodSetExpression({AppOfTeam("a", "web")}));
  const ExpressionId team_b = index.Acquire(
      PodSetExpression({AppOfTeam("b", "web"), AppIn("red", "db")}));
  const Labels a = LabelsOf({{"team", "a"}});
  const Labels b = LabelsOf({{"team", "b"}});
  const Labels c = LabelsOf({{"team", "c"}});
  EXPECT_THAT(index.ToldApartBy(a, b), UnorderedElementsAre(team_a, team_b));
  EXPECT_THAT(index.ToldApartBy(a, c), ElementsAre(team_a));
  EXPECT_THAT(index.ToldApartBy(c, Labels()), IsEmpty());
  EXPECT_THAT(index.ToldApartBy(a, a), IsEmpty());
}

}  // namespace
}  // namespace netpol
