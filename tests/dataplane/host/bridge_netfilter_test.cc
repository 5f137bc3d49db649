#include "netpol/dataplane/host/bridge_netfilter.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BridgeNetfilterTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
  }

  static void Set(const std::string& value) {
    Shell(absl::StrCat(
        "echo ", value, " > /proc/sys/",
        absl::StrReplaceAll(BridgeNetfilterSetting(GetParam()), {{".", "/"}})));
  }
};

TEST_P(BridgeNetfilterTest, WhereItIsOnBridgesAreNoMatter) {
  Shell("ip link add br-test type bridge");
  Set("1");
  const auto found = CheckBridgeNetfilter(GetParam());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, absl::StrCat(BridgeNetfilterSetting(GetParam()), " is 1"));
}

TEST_P(BridgeNetfilterTest, WhereItIsOffABridgeGoesUnfiltered) {
  Set("0");
  EXPECT_TRUE(CheckBridgeNetfilter(GetParam()).ok());
  Shell("ip link add br-test type bridge");
  const auto found = CheckBridgeNetfilter(GetParam());
  EXPECT_EQ(found.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(found.status().message()),
              AllOf(HasSubstr("is 0"), HasSubstr("br-test"),
                    HasSubstr(BridgeNetfilterSetting(GetParam()))));
}

TEST_P(BridgeNetfilterTest, EachFamilyHasItsOwnSetting) {
  Set("0");
  Shell("ip link add br-test type bridge");
  const Family other =
      GetParam() == Family::kIPv4 ? Family::kIPv6 : Family::kIPv4;
  EXPECT_FALSE(CheckBridgeNetfilter(GetParam()).ok());
  EXPECT_TRUE(CheckBridgeNetfilter(other).ok());
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, BridgeNetfilterTest,
                         testing::ValuesIn(kFamilies),
                         [](const testing::TestParamInfo<Family>& info) {
                           return std::string(FamilyName(info.param));
                         });

}  // namespace
}  // namespace netpol
