// Random clusters repeat, and random numbers are the standard's.
#include "netpol/testing/random_cluster.h"

#include <algorithm>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/cluster_bytes.h"

namespace netpol {
namespace {

Cluster FromSeed(uint64_t seed, const RandomClusterOptions& options = {}) {
  Random random(seed);
  return RandomCluster(random, options);
}

TEST(RandomTest, StreamIsThatOfTheStandardEngine) {
  Random random(5489);  // The standard names its 10,000th number.
  for (int i = 1; i < 10000; ++i) random.Below(2);
  EXPECT_EQ(random.Below(1000000000000000000u), 981545732273789042u);
}

TEST(RandomTest, BetweenReachesBothEndsAndNothingElse) {
  Random random(1);
  std::set<int> drawn;
  for (int i = 0; i < 200; ++i) drawn.insert(random.Between(-1, 2));
  EXPECT_EQ(drawn, (std::set<int>{-1, 0, 1, 2}));
}

TEST(RandomClusterTest, SameSeedGivesSameBytes) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(Bytes(FromSeed(seed)), Bytes(FromSeed(seed)));
  }
}

TEST(RandomClusterTest, DifferentSeedsGiveDifferentClusters) {
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < 50; ++seed) all.insert(Bytes(FromSeed(seed)));
  EXPECT_EQ(all.size(), 50u);
}

TEST(RandomClusterTest, DescriptionNamesEveryObject) {
  const Cluster cluster = FromSeed(3);
  const std::string text = Describe(cluster);
  const size_t lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_EQ(lines, cluster.namespaces.size() + cluster.pods.size() +
                       cluster.policies.size() + cluster.nodes.size());
  for (const auto& policy : cluster.policies) {
    EXPECT_NE(text.find("/" + policy.metadata().name() + ":"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace netpol
