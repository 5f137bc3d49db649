// The set by whose members we judge exists already, and is not as we would have
// made it.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/hook_watch.h"
#include "tests/kernel/take_over/kube_router_layout.h"
#include "tests/kernel/take_over/node_programs.h"
#include "tests/kernel/take_over/take_over_cluster.h"
#include "tests/kernel/take_over/taken_node.h"
#include "tests/kernel/take_over/watched_traffic.h"

namespace netpol {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class OddSetTest : public LabFixture,
                   public testing::WithParamInterface<Flavour> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = MakeTakenLab();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    KubeRouterOptions options;
    options.node = kTakenNode;
    ASSERT_TRUE(
        Lay(KubeRouterLayout(TakeOverCluster(), options), GetParam(), node())
            .ok());
    enforcement_.flavour = GetParam();
  }

  const NetNs& node() const { return lab_->node(); }

  void Ipset(const std::string& lines) {
    const absl::StatusOr<std::string> run =
        RunOn(node(), {"ipset", "restore"}, lines);
    ASSERT_TRUE(run.ok()) << run.status();
  }

  // We start while packets flow, all of which are judged rightly.
  absl::Status Start() {
    auto traffic = WatchedTraffic::Begin(lab_.get(), TakeOverFlows(false));
    EXPECT_TRUE(traffic.ok()) << traffic.status();
    enforcement_.after = [&](absl::string_view step) {
      (*traffic)->Note(step);
      (*traffic)->AwaitRound();
    };
    const absl::Status status =
        EnforceOn(node(), TakeOverCluster(), enforcement_);
    const absl::StatusOr<TrafficTally> tally = (*traffic)->End();
    EXPECT_TRUE(tally.ok()) << tally.status();
    if (tally.ok()) {
      EXPECT_EQ(tally->wrong, 0) << absl::StrJoin(tally->stories, "\n");
    }
    EXPECT_EQ(HookFault(node(), {GetParam()}), "");
    return status;
  }

  std::vector<std::string> Lines() {
    const absl::StatusOr<std::vector<std::string>> listing =
        Listing(node(), GetParam());
    EXPECT_TRUE(listing.ok()) << listing.status();
    return listing.ok() ? *listing : std::vector<std::string>();
  }

  std::unique_ptr<PacketLab> lab_;
  Enforcement enforcement_;
};

TEST_P(OddSetTest, OfAnotherTypeIsMadeAnew) {
  Ipset(
      "create kube-router-local-pods hash:net timeout 0\n"
      "add kube-router-local-pods 10.42.0.0/16\n");
  const absl::Status started = Start();
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_THAT(Lines(), Contains("create kube-router-local-pods hash:ip"));
}

TEST_P(OddSetTest, OfTheOtherFamilyIsMadeAnew) {
  Ipset("create kube-router-local-pods hash:ip family inet6\n");
  const absl::Status started = Start();
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_THAT(Lines(), Contains("add kube-router-local-pods 10.42.0.10"));
}

TEST_P(OddSetTest, WithTimeoutsThatRunIsReplaced) {
  Ipset(
      "create kube-router-local-pods hash:ip comment counters timeout 300\n"
      "add kube-router-local-pods 10.42.0.10\n"
      "add kube-router-local-pods 10.42.0.66\n");
  const absl::Status started = Start();
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_THAT(Lines(), Contains("add kube-router-local-pods 10.42.0.12"));
}

TEST_P(OddSetTest, TooSmallIsReplaced) {
  Ipset(
      "create kube-router-local-pods hash:ip maxelem 2 timeout 0\n"
      "add kube-router-local-pods 10.42.0.10\n"
      "add kube-router-local-pods 10.42.0.66\n");
  const absl::Status started = Start();
  EXPECT_TRUE(started.ok()) << started;
  EXPECT_THAT(Lines(), Contains("add kube-router-local-pods 10.42.0.12"));
}

// Nothing can be done about it, and what enforces until now goes on.
TEST_P(OddSetTest, OfAnotherTypeInUseBySomebodyElseStopsUsLoudly) {
  Ipset("create kube-router-local-pods hash:net\n");
  ASSERT_TRUE(
      RunOn(node(), {TablesProgram(GetParam(), Family::kIPv4), "-A", "INPUT",
                     "-m", "set", "--match-set", "kube-router-local-pods",
                     "src", "-s", "203.0.113.9", "-j", "ACCEPT"})
          .ok());
  const absl::Status started = Start();
  EXPECT_THAT(std::string(started.message()),
              HasSubstr("kube-router-local-pods"));
}

INSTANTIATE_TEST_SUITE_P(Flavours, OddSetTest, testing::ValuesIn(kFlavours),
                         [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

}  // namespace
}  // namespace netpol
