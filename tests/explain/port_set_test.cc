#include "netpol/explain/port_set.h"

#include "gtest/gtest.h"

namespace netpol {
namespace {

TEST(PortSetTest, RangesAreSortedAndJoined) {
  const PortSet set({{80, 80}, {443, 450}, {20, 22}, {445, 460}, {81, 81}});
  EXPECT_EQ(set.ToString(), "20-22, 80-81, 443-460");
  EXPECT_EQ(set, PortSet({{20, 22}, {80, 81}, {443, 460}}));
}

TEST(PortSetTest, PortZeroAndEmptyRangesAreLeftOut) {
  EXPECT_EQ(PortSet({{0, 0}}), PortSet());
  EXPECT_EQ(PortSet({{9, 8}}), PortSet());
  EXPECT_EQ(PortSet({{0, 3}}).ToString(), "1-3");
  EXPECT_TRUE(PortSet({{0, 65535}}).all());
}

TEST(PortSetTest, ContainsItsEnds) {
  const PortSet set({{80, 90}});
  EXPECT_FALSE(set.Contains(79));
  EXPECT_TRUE(set.Contains(80));
  EXPECT_TRUE(set.Contains(90));
  EXPECT_FALSE(set.Contains(91));
  EXPECT_TRUE(PortSet::All().Contains(1));
  EXPECT_TRUE(PortSet::All().Contains(65535));
}

TEST(PortSetTest, ComplementIsWhatIsMissing) {
  EXPECT_TRUE(PortSet().Complement().all());
  EXPECT_TRUE(PortSet::All().Complement().empty());
  EXPECT_EQ(PortSet({{1, 9}, {80, 80}}).Complement().ToString(),
            "10-79, 81-65535");
  EXPECT_EQ(PortSet({{80, 65535}}).Complement().ToString(), "1-79");
}

TEST(PortSetTest, UnionAndIntersection) {
  const PortSet a({{1, 100}, {200, 300}});
  const PortSet b({{50, 250}});
  EXPECT_EQ((a | b).ToString(), "1-300");
  EXPECT_EQ((a & b).ToString(), "50-100, 200-250");
  EXPECT_TRUE((a & PortSet()).empty());
  EXPECT_EQ(a & PortSet::All(), a);
}

TEST(PortSetTest, TextNamesTheTwoEnds) {
  EXPECT_EQ(PortSet().ToString(), "none");
  EXPECT_EQ(PortSet::All().ToString(), "all");
}

}  // namespace
}  // namespace netpol
