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
  ASSERT_TRUE(labels.Find("app").has_value());
}

TEST(LabelsTest, ValueIsFoundByItsWholeKey) {
  const Labels labels =
      LabelsOf({{"app", "web"}, {"app.kubernetes.io/name", ""}});
  ASSERT_TRUE(labels.Find("app").has_value());
  EXPECT_EQ(*labels.Find("app"), "web");
  ASSERT_TRUE(labels.Find("app.kubernetes.io/name").has_value());
  EXPECT_EQ(*labels.Find("app.kubernetes.io/name"), "");
  EXPECT_EQ(labels.Find("ap"), absl::nullopt);
  EXPECT_EQ(labels.Find("apps"), absl::nullopt);
  EXPECT_EQ(labels.Find("zzz"), absl::nullopt);
  EXPECT_EQ(Labels().Find("app"), absl::nullopt);
}

TEST(LabelsTest, PartsDoNotRunIntoOneAnother) {
  EXPECT_NE(LabelsOf({{"a", "bc"}}), LabelsOf({{"ab", "c"}}));
  EXPECT_NE(LabelsOf({{"a", ""}, {"b", ""}}), LabelsOf({{"a", "b"}}));
  EXPECT_EQ(LabelsOf({{std::string("a\0b", 3), std::string("c\0", 2)}}),
            LabelsOf({{"ab", "c"}}))
      << "a zero byte, which no label has, is left out";
}

TEST(LabelsTest, EqualOnesAreKeptOnceInAPool) {
  SharedPool<std::string> pool;
  Labels a = LabelsOf({{"app", "web"}});
  Labels b = LabelsOf({{"app", "web"}});
  Labels other = LabelsOf({{"app", "db"}});
  for (Labels* labels : {&a, &b, &other}) labels->ShareIn(pool);
  EXPECT_EQ(pool.size(), 2u);
  EXPECT_EQ(a.Find("app")->data(), b.Find("app")->data());
  EXPECT_EQ(*other.Find("app"), "db");
}

TEST(LabelsTest, DifferentValuesAreDifferentLabels) {
  EXPECT_NE(LabelsOf({{"app", "web"}}), LabelsOf({{"app", "db"}}));
  EXPECT_NE(LabelsOf({{"app", "web"}}), Labels());
}

}  // namespace
}  // namespace netpol
