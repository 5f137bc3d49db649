#include "bench/data_path/rule_layouts.h"

#include <memory>
#include <utility>

#include "bench/data_path/crowded_node.h"
#include "bench/data_path/packet_path.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

class RuleLayoutsTest : public LabFixture {
 protected:
  // A path from `client` to the measured pod.
  std::unique_ptr<PacketPath> PathFrom(const IpAddress& client) {
    auto path = PacketPath::Create(client, node_.flow.pod, node_.flow.port);
    EXPECT_TRUE(path.ok()) << path.status();
    return *std::move(path);
  }

  const CrowdedNode node_ = MakeCrowdedNode(10, 5);
  const IpAddress stranger_ = *IpAddress::Parse("10.99.0.1");
};

TEST_F(RuleLayoutsTest, OursAllowsTheClientAndRefusesStrangers) {
  auto path = PathFrom(node_.flow.client);
  ASSERT_TRUE(InstallOurs(node_.cluster, path->node()).ok());
  EXPECT_TRUE(path->Forget().ok());
  path = PathFrom(stranger_);
  EXPECT_TRUE(path->Forget().ok()) << "there are no rules yet";
  ASSERT_TRUE(InstallOurs(node_.cluster, path->node()).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(path->Forget()));
}

TEST_F(RuleLayoutsTest, YardstickAllowsTheClientAndRefusesStrangers) {
  auto path = PathFrom(node_.flow.client);
  ASSERT_TRUE(InstallYardstick(node_.cluster, path->node()).ok());
  EXPECT_TRUE(path->Forget().ok());
  path = PathFrom(stranger_);
  ASSERT_TRUE(InstallYardstick(node_.cluster, path->node()).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(path->Forget()));
}

TEST_F(RuleLayoutsTest, TrackingAloneRefusesNobody) {
  auto path = PathFrom(stranger_);
  ASSERT_TRUE(InstallTrackingOnly(path->node()).ok());
  EXPECT_TRUE(path->Forget().ok());
}

}  // namespace
}  // namespace netpol
