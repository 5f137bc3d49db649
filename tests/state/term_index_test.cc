#include "netpol/state/term_index.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/labels.h"
#include "netpol/policy/selector.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using Operator = Requirement::Operator;
using Id = TermIndex::Id;

PodTerm TermIn(std::string ns, std::vector<Requirement> pods) {
  PodTerm term;
  term.namespace_name = std::move(ns);
  term.pods = Selector(std::move(pods));
  return term;
}

bool Matches(const PodTerm& term, absl::string_view ns, const Labels& ns_labels,
             const Labels& labels) {
  return term.MatchesNamespace(ns, ns_labels) && term.pods.Matches(labels);
}

// ---- At random, against a look at every term.

const std::vector<std::string> kNamespaces = {"red", "blue", "*", "#"};
const std::vector<std::string> kKeys = {"a", "b", ""};
// Values that look like the index's own signs, too.
const std::vector<std::string> kValues = {"1", "2", "", "*", "=1"};

Labels RandomLabels(Random& random) {
  std::vector<Labels::Entry> entries;
  for (const std::string& key : kKeys) {
    if (random.Chance(60)) entries.emplace_back(key, random.Pick(kValues));
  }
  return Labels(std::move(entries));
}

Selector RandomSelector(Random& random) {
  std::vector<Requirement> requirements(random.Between(0, 3));
  for (Requirement& requirement : requirements) {
    requirement.key = random.Pick(kKeys);
    requirement.op = static_cast<Operator>(random.Between(0, 3));
    if (requirement.op == Operator::kIn || requirement.op == Operator::kNotIn) {
      const int count = random.Between(1, 3);
      for (int i = 0; i < count; ++i)
        requirement.values.push_back(random.Pick(kValues));
    }
  }
  return Selector(std::move(requirements));
}

PodTerm RandomTerm(Random& random) {
  PodTerm term;
  term.pods = RandomSelector(random);
  if (random.Chance(50)) {
    term.namespace_name = random.Pick(kNamespaces);
  } else {
    term.namespaces = RandomSelector(random);
  }
  return term;
}

TEST(TermIndexTest, NeverMissesAMatchWhileTermsComeAndGo) {
  Random random(11);
  TermIndex index;
  std::vector<std::pair<PodTerm, Id>> terms;
  int matches = 0;
  for (int round = 0; round < 5000; ++round) {
    if (terms.size() > 30 || (!terms.empty() && random.Chance(30))) {
      const size_t gone = random.Below(terms.size());
      index.Remove(terms[gone].first, terms[gone].second);
      terms.erase(terms.begin() + gone);
    } else {
      const PodTerm term = RandomTerm(random);
      const Id id = random.Between(0, 12);
      index.Add(term, id);
      terms.emplace_back(term, id);
    }
    const std::string ns = random.Pick(kNamespaces);
    const Labels ns_labels = RandomLabels(random);
    const Labels labels = RandomLabels(random);
    const std::vector<Id> found = index.Candidates(ns, ns_labels, labels);
    ASSERT_TRUE(std::is_sorted(found.begin(), found.end()));
    ASSERT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
    for (const auto& [term, id] : terms) {
      if (!Matches(term, ns, ns_labels, labels)) continue;
      ++matches;
      ASSERT_THAT(found, Contains(id))
          << term.ToString() << ", round " << round;
    }
    for (Id id : found) {
      ASSERT_TRUE(std::any_of(terms.begin(), terms.end(),
                              [&](const auto& t) { return t.second == id; }))
          << "id " << id << " is no longer registered";
    }
  }
  EXPECT_GT(matches, 5000);
}

TEST(TermIndexTest, NamespaceSelectingIdsAreThoseOfRegisteredTerms) {
  Random random(12);
  TermIndex index;
  std::vector<std::pair<PodTerm, Id>> terms;
  for (int round = 0; round < 1000; ++round) {
    if (!terms.empty() && random.Chance(50)) {
      const size_t gone = random.Below(terms.size());
      index.Remove(terms[gone].first, terms[gone].second);
      terms.erase(terms.begin() + gone);
    } else {
      terms.emplace_back(RandomTerm(random), random.Between(0, 5));
      index.Add(terms.back().first, terms.back().second);
    }
    std::map<Id, bool> selecting;
    for (const auto& [term, id] : terms) {
      if (term.namespace_name.empty()) selecting[id] = true;
    }
    std::vector<Id> expected;
    for (const auto& [id, yes] : selecting) expected.push_back(id);
    ASSERT_EQ(index.NamespaceSelecting(), expected) << "round " << round;
  }
}

// ---- One by one.

TEST(TermIndexTest, OtherLabelsAreNotLookedAt) {
  TermIndex index;
  index.Add(TermIn("red", {{"app", Operator::kIn, {"web"}}}), 1);
  index.Add(TermIn("red", {{"app", Operator::kIn, {"db"}}}), 2);
  index.Add(TermIn("blue", {{"app", Operator::kIn, {"web"}}}), 3);
  index.Add(TermIn("red", {{"tier", Operator::kExists, {}}}), 4);
  EXPECT_THAT(index.Candidates("red", Labels(), LabelsOf({{"app", "web"}})),
              ElementsAre(1));
}

TEST(TermIndexTest, RequirementThatAnAbsentKeyMeetsIsAlwaysACandidate) {
  TermIndex index;
  index.Add(TermIn("red", {{"app", Operator::kDoesNotExist, {}}}), 1);
  index.Add(TermIn("red", {{"app", Operator::kNotIn, {"web"}}}), 2);
  index.Add(TermIn("red", {}), 3);
  EXPECT_THAT(index.Candidates("red", Labels(), Labels()),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(index.Candidates("blue", Labels(), Labels()), IsEmpty());
}

TEST(TermIndexTest, TermAddedTwiceStaysUntilRemovedTwice) {
  TermIndex index;
  const PodTerm term = TermIn("red", {{"app", Operator::kIn, {"web"}}});
  const Labels web = LabelsOf({{"app", "web"}});
  index.Add(term, 1);
  index.Add(term, 1);
  index.Add(term, 2);
  index.Remove(term, 1);
  EXPECT_THAT(index.Candidates("red", Labels(), web), ElementsAre(1, 2));
  index.Remove(term, 1);
  EXPECT_THAT(index.Candidates("red", Labels(), web), ElementsAre(2));
  index.Remove(term, 2);
  EXPECT_THAT(index.Candidates("red", Labels(), web), IsEmpty());
}

}  // namespace
}  // namespace netpol
