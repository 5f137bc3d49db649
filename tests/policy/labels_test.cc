#include "netpol/policy/labels.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

TEST(LabelsTest, OrderInWhichTheyAreGivenDoesNotMatter) {
  const Labels a = LabelsOf({{"app", "web"}, {"tier", "front"}, {"", "odd"}});
  const Labels b = LabelsOf({{"tier", "front"}, {"", "odd"}, {"app", "web"}});
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.entries(), b.entries());
}

TEST(LabelsTest, EntriesAreSortedByKey) {
  const Labels labels = LabelsOf({{"b", "1"}, {"a", "2"}, {"a.b", "3"}});
  EXPECT_EQ(labels.entries(),
            (std::vector<Labels::Entry>{{"a", "2"}, {"a.b", "3"}, {"b", "1"}}));
}

TEST(LabelsTest, EachKeyStaysOnce) {
  const Labels labels =
      LabelsOf({{"app", "web"}, {"app", "db"}, {"app", "web"}});
  EXPECT_EQ(labels.entries().size(), 1u);
  ASSERT_NE(labels.Find("app"), nullptr);
}

TEST(LabelsTest, ValueIsFoundByItsWholeKey) {
  const Labels labels =
      LabelsOf({{"app", "web"}, {"app.kubernetes.io/name", ""}});
  ASSERT_NE(labels.Find("app"), nullptr);
  EXPECT_EQ(*labels.Find("app"), "web");
  ASSERT_NE(labels.Find("app.kubernetes.io/name"), nullptr);
  EXPECT_EQ(*labels.Find("app.kubernetes.io/name"), "");
  EXPECT_EQ(labels.Find("ap"), nullptr);
  EXPECT_EQ(labels.Find("apps"), nullptr);
  EXPECT_EQ(labels.Find("zzz"), nullptr);
  EXPECT_EQ(Labels().Find("app"), nullptr);
}

TEST(LabelsTest, DifferentValuesAreDifferentLabels) {
  EXPECT_NE(LabelsOf({{"app", "web"}}), LabelsOf({{"app", "db"}}));
  EXPECT_NE(LabelsOf({{"app", "web"}}), Labels());
}

}  // namespace
}  // namespace netpol
