// Sets of other programs, which change while the controller syncs (C082).
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::Not;

class ForeignSetsTest : public NeighbourNodeTest {
 protected:
  std::string ForeignSets() {
    std::string text;
    for (const char* part : {"mesh-probes-v4", "mesh-probes-v6",
                             "site-blocklist", "KUBE-LOOP-BACK"}) {
      for (const std::string& line :
           LinesWith(Tool({"ipset", "save", "-sorted"}), part)) {
        absl::StrAppend(&text, line, "\n");
      }
    }
    return text;
  }

  // A sync that has sets and rules to write.
  void SyncWithWork(int round) {
    Tell(Upsert(PodBuilder("own", absl::StrCat("c", round))
                    .On("node-b")
                    .Label("app", "c")
                    .Ip(absl::StrCat("10.42.1.", 110 + round))
                    .Build()));
    Tell(Upsert(PolicyBuilder("own", absl::StrCat("more", round))
                    .Types({"Egress"})
                    .Egress({BlockPeer(absl::StrCat("192.0.2.", round, "/32"))})
                    .Build()));
    EXPECT_GE(Resync().writes.total(), 3u) << "the sync had no work";
  }
};

TEST_F(ForeignSetsTest, StayAsTheHandLeftThem) {
  Tool({"ipset", "restore"}, FixtureText("C082/before.ipset-save"));
  const std::string before = ForeignSets();
  EnforceCase("C082");
  EXPECT_EQ(ForeignSets(), before);
  Tool({"ipset", "add", "mesh-probes-v4", "192.0.2.99", "comment", "by hand"});
  Tool({"ipset", "del", "site-blocklist", "192.0.2.64/26"});
  const std::string by_hand = ForeignSets();
  EXPECT_NE(by_hand, before);
  for (int round = 1; round <= 3; ++round) SyncWithWork(round);
  EXPECT_EQ(ForeignSets(), by_hand);
}

TEST_F(ForeignSetsTest, ARemovedOneIsNotMadeAgain) {
  Tool({"ipset", "restore"}, FixtureText("C082/before.ipset-save"));
  EnforceCase("C082");
  Tool({"ipset", "destroy", "site-blocklist"});
  for (int round = 1; round <= 3; ++round) SyncWithWork(round);
  EXPECT_THAT(LinesWith(Tool({"ipset", "list", "-name"}), ""),
              testing::AllOf(Contains("mesh-probes-v4"),
                             Not(Contains("site-blocklist")),
                             Contains("KUBE-LOOP-BACK")));
}

}  // namespace
}  // namespace netpol
