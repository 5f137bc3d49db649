// Compiling step by step against compiling from scratch, on random clusters.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "tests/compile/compiled_node.h"
#include "tests/compile/ruleset_model.h"

namespace netpol {
namespace {

// Enough local pods for a tree of dispatch chains.
RandomClusterOptions ManyLocalPods() {
  RandomClusterOptions options;
  options.node = kNode;
  for (int i = 0; i < 12; ++i) {
    options.local_pods.push_back({absl::StrCat("10.42.0.", 20 + 17 * i),
                                  absl::StrCat("fd00:42::", 20 + 17 * i)});
  }
  return options;
}

// With everything that depends on objects.
struct FullNode : CompiledNode {
  FullNode() : CompiledNode(Full()) {}

  static LayoutOptions Full() {
    LayoutOptions options = DualStack();
    options.default_deny = true;
    // Few pods here are selected by so many as would be joined else.
    options.most_chains_in_a_row = 2;
    return options;
  }
};

std::string FromScratch(const std::vector<v1::WatchEvent>& events) {
  FullNode node;
  for (const v1::WatchEvent& event : events) node.Tell(event);
  node.Compile();
  return node.model().ToString();
}

TEST(CompilerRandomTest, StepByStepIsTheSameAsFromScratch) {
  const RandomClusterOptions options = ManyLocalPods();
  for (int seed = 1; seed <= 25; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    FullNode node;
    for (const v1::WatchEvent& event : ListingOf(cluster)) node.Tell(event);
    node.Compile();
    for (int step = 0; step < 40; ++step) {
      const v1::WatchEvent event = MutateCluster(random, options, cluster);
      node.Tell(event);
      if (random.Chance(30)) continue;
      node.Compile();
      ASSERT_EQ(node.model().Flaws(), "")
          << "seed " << seed << " step " << step;
      ASSERT_EQ(node.model().ToString(), FromScratch(ListingOf(cluster)))
          << "seed " << seed << ", step " << step << ": " << event.DebugString()
          << Describe(cluster);
    }
  }
}

TEST(CompilerRandomTest, OrderOfArrivalDoesNotMatter) {
  const RandomClusterOptions options = ManyLocalPods();
  for (int seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    std::vector<v1::WatchEvent> events = ListingOf(cluster);
    const std::string right = FromScratch(events);
    for (size_t i = events.size(); i > 1; --i)
      std::swap(events[i - 1], events[random.Below(i)]);
    ASSERT_EQ(FromScratch(events), right) << "seed " << seed;
    // One batch for each event.
    FullNode node;
    for (const v1::WatchEvent& event : events) {
      node.Tell(event);
      node.Compile();
    }
    ASSERT_EQ(node.model().ToString(), right) << "seed " << seed;
  }
}

// Without the order, which means nothing within a batch.
std::vector<std::string> LinesOf(const RulesetChange& change) {
  std::vector<std::string> lines = absl::StrSplit(Describe(change), '\n');
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(CompilerRandomTest, EqualHistoriesTellEqualChanges) {
  const RandomClusterOptions options = ManyLocalPods();
  for (int seed = 1; seed <= 15; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    FullNode first;
    FullNode second;
    for (const v1::WatchEvent& event : ListingOf(cluster)) {
      first.Tell(event);
      second.Tell(event);
    }
    for (int step = 0; step < 20; ++step) {
      ASSERT_EQ(LinesOf(first.Compile()), LinesOf(second.Compile()))
          << "seed " << seed << ", step " << step;
      const v1::WatchEvent event = MutateCluster(random, options, cluster);
      first.Tell(event);
      second.Tell(event);
    }
  }
}

TEST(CompilerRandomTest, NothingIsLeftWhenEverythingIsDeleted) {
  const RandomClusterOptions options = ManyLocalPods();
  const std::string empty = FromScratch({});
  for (int seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    std::vector<v1::WatchEvent> events = ListingOf(cluster);
    FullNode node;
    for (const v1::WatchEvent& event : events) node.Tell(event);
    node.Compile();
    for (size_t i = events.size(); i > 1; --i)
      std::swap(events[i - 1], events[random.Below(i)]);
    for (v1::WatchEvent& event : events) {
      if (event.type() != v1::WatchEvent::UPSERT) continue;
      event.set_type(v1::WatchEvent::DELETE);
      node.Tell(event);
      if (random.Chance(50)) node.Compile();
    }
    node.Compile();
    ASSERT_EQ(node.model().ToString(), empty) << "seed " << seed;
  }
}

}  // namespace
}  // namespace netpol
