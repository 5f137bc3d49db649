// How many sets a node needs: one for each distinct choice of peers, however
// many policies make it.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

std::unique_ptr<Controller> NewController(absl::string_view node) {
  ControllerOptions options;
  options.node_name = std::string(node);
  auto controller =
      Controller::Create(options, std::make_unique<FakeDataplane>());
  EXPECT_TRUE(controller.ok()) << controller.status();
  return *std::move(controller);
}

TEST(SharedSetsTest, PoliciesWithTheSamePeersShareTheirSets) {
  const std::unique_ptr<Controller> controller = NewController("node-a");
  const auto tell = [&](const v1::WatchEvent& event) {
    ASSERT_TRUE(controller->OnEvent(event).ok());
  };
  for (const v1::WatchEvent& end : ListingOf({})) tell(end);
  tell(Upsert(PodBuilder("shop", "web").On("node-a").Ip("10.0.0.1").Build()));
  const auto sets_with = [&](int policies) {
    for (int i = 0; i < policies; ++i) {
      tell(Upsert(PolicyBuilder("shop", absl::StrCat("p", i))
                      .Types({"Ingress", "Egress"})
                      .Ingress({NamespacePeer(MatchLabels({{"team", "a"}})),
                                BlockPeer("192.0.2.0/24")})
                      .Egress({NamespacePeer(MatchLabels({{"team", "a"}}))})
                      .Build()));
    }
    EXPECT_TRUE(controller->Sync().ok());
    return controller->counts().sets;
  };
  const size_t of_one = sets_with(1);
  EXPECT_GT(of_one, 2u);
  EXPECT_EQ(sets_with(300), of_one);
}

TEST(SharedSetsTest, LargeClusterNeedsSetsInTheLowThousands) {
  const std::unique_ptr<Controller> controller = NewController(kWorkloadNode);
  VisitWorkload(NamedWorkload("L"), /*seed=*/1,
                [&](const v1::WatchEvent& event) {
                  ASSERT_TRUE(controller->OnEvent(event).ok());
                });
  ASSERT_TRUE(controller->Preview().ok());
  const ControllerCounts counts = controller->counts();
  EXPECT_EQ(counts.policies, 10000u);
  EXPECT_GT(counts.sets, 100u);
  EXPECT_LT(counts.sets, 3000u);
  RecordProperty("sets", static_cast<int>(counts.sets));
}

}  // namespace
}  // namespace netpol
