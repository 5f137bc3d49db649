#include "netpol/testing/shrink.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool Has(const std::vector<size_t>& list, size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool Always() { return true; }

// A search that may try `attempts` times.
MayGoOn Attempts(int* attempts) {
  return [attempts] { return (*attempts)-- > 0; };
}

TEST(ShrinkListTest, TheTwoGuiltyOfAHundredAreFound) {
  int tried = 0;
  const auto fails = [&](const std::vector<size_t>& kept) {
    ++tried;
    return Has(kept, 17) && Has(kept, 83);
  };
  EXPECT_THAT(ShrinkList(100, fails, Always), ElementsAre(17, 83));
  EXPECT_LT(tried, 60);
}

TEST(ShrinkListTest, WhatFailsByItselfShrinksToNothing) {
  EXPECT_THAT(ShrinkList(
                  10, [](const std::vector<size_t>&) { return true; }, Always),
              IsEmpty());
}

TEST(ShrinkListTest, WhatNeedsAllOfItStaysWhole) {
  const auto fails = [](const std::vector<size_t>& kept) {
    return kept.size() == 5;
  };
  EXPECT_THAT(ShrinkList(5, fails, Always), ElementsAre(0, 1, 2, 3, 4));
}

TEST(ShrinkListTest, NoSingleOneCanBeLeftOutOfTheResult) {
  // An odd number of the multiples of seven, and the last of all.
  const auto fails = [](const std::vector<size_t>& kept) {
    const auto sevens = std::count_if(kept.begin(), kept.end(),
                                      [](size_t i) { return i % 7 == 0; });
    return sevens % 2 == 1 && Has(kept, 99);
  };
  ASSERT_TRUE(fails(ShrinkList(100, fails, Always)));
  const std::vector<size_t> result = ShrinkList(100, fails, Always);
  for (size_t left_out : result) {
    std::vector<size_t> rest = result;
    rest.erase(std::find(rest.begin(), rest.end(), left_out));
    EXPECT_FALSE(fails(rest)) << "without " << left_out;
  }
}

TEST(ShrinkListTest, TheSameQuestionsAreAskedEachTime) {
  const auto search = [] {
    std::vector<std::vector<size_t>> asked;
    ShrinkList(
        50,
        [&](const std::vector<size_t>& kept) {
          asked.push_back(kept);
          return Has(kept, 3) && Has(kept, 4) && Has(kept, 40);
        },
        Always);
    return asked;
  };
  EXPECT_EQ(search(), search());
}

TEST(ShrinkListTest, TheBoundEndsTheSearchWithSomethingThatFails) {
  const auto fails = [](const std::vector<size_t>& kept) {
    return Has(kept, 17) && Has(kept, 83);
  };
  int attempts = 5;
  const std::vector<size_t> result =
      ShrinkList(100, fails, Attempts(&attempts));
  EXPECT_TRUE(fails(result));
  EXPECT_GT(result.size(), 2u);
  EXPECT_LT(result.size(), 100u);
}

v1::WatchEvent ManyParts() {
  const auto ports = {NumberPort("TCP", 80), NamePort("UDP", "dns"),
                      RangePort("SCTP", 1, 9)};
  return Upsert(PolicyBuilder("ns-a", "n0")
                    .Selects({{"app", "web"}, {"tier", "db"}, {"x", "y"}})
                    .Types({"Ingress", "Egress"})
                    .Ingress({PodPeer(MatchLabels({{"app", "db"}}))}, ports)
                    .Egress({BlockPeer("10.0.0.0/8", {"10.1.0.0/16"})}, ports)
                    .Build());
}

bool NamesDns(const google::protobuf::Message& message) {
  const auto& event = static_cast<const v1::WatchEvent&>(message);
  for (const auto& rule : event.network_policy().spec().egress()) {
    for (const auto& port : rule.ports()) {
      if (port.port().str_val() == "dns") return true;
    }
  }
  return false;
}

TEST(ShrinkMessageTest, OnlyThePathToTheCauseIsLeft) {
  v1::WatchEvent event = ManyParts();
  ShrinkMessage(NamesDns, Always, event);
  EXPECT_EQ(event.ShortDebugString(),
            "network_policy { spec { egress { ports { port { str_val: \"dns\" "
            "} } } } }");
}

TEST(ShrinkMessageTest, EntriesOfMapsAreTakenAwayOneByOne) {
  v1::WatchEvent event = ManyParts();
  const auto fails = [](const google::protobuf::Message& message) {
    const auto& labels = static_cast<const v1::WatchEvent&>(message)
                             .network_policy()
                             .spec()
                             .pod_selector()
                             .match_labels();
    return labels.count("tier") > 0;
  };
  ShrinkMessage(fails, Always, event);
  const auto& labels =
      event.network_policy().spec().pod_selector().match_labels();
  EXPECT_EQ(labels.size(), 1u);
  EXPECT_EQ(labels.count("tier"), 1u);
}

TEST(ShrinkMessageTest, TheBoundEndsTheSearchWithSomethingThatFails) {
  v1::WatchEvent event = ManyParts();
  int attempts = 4;
  ShrinkMessage(NamesDns, Attempts(&attempts), event);
  EXPECT_TRUE(NamesDns(event));
  EXPECT_LT(event.ByteSizeLong(), ManyParts().ByteSizeLong());
  EXPECT_TRUE(event.network_policy().spec().has_pod_selector());
}

}  // namespace
}  // namespace netpol
