#include "netpol/dataplane/host/xtables_probe.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class XtablesProbeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
  }
};

TEST_F(XtablesProbeTest, WhatEveryKernelWithTablesHasIsFound) {
  for (Family family : kFamilies) {
    EXPECT_TRUE(CheckFilterTable(family).ok());
    EXPECT_TRUE(
        CheckExtension(family, {ExtensionKind::kMatch, "tcp", 0, "xt_tcpudp"})
            .ok());
    EXPECT_TRUE(
        CheckExtension(family, {ExtensionKind::kTarget, "MARK", 2, "xt_mark"})
            .ok());
  }
}

TEST_F(XtablesProbeTest, MissingExtensionIsUnimplementedAndNamesItsModule) {
  for (Family family : kFamilies) {
    for (ExtensionKind kind : {ExtensionKind::kMatch, ExtensionKind::kTarget}) {
      const absl::Status status =
          CheckExtension(family, {kind, "nosuch", 0, "xt_nosuch"});
      EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("xt_nosuch"));
    }
  }
}

TEST_F(XtablesProbeTest, UnknownRevisionIsToldFromMissingExtension) {
  const absl::Status status = CheckExtension(
      Family::kIPv4, {ExtensionKind::kMatch, "tcp", 200, "xt_tcpudp"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("other revisions"));
}

TEST_F(XtablesProbeTest, WithoutPrivilegesNothingIsClaimed) {
  WithoutPrivileges([] {
    EXPECT_EQ(CheckFilterTable(Family::kIPv4).code(),
              absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(CheckExtension(Family::kIPv6,
                             {ExtensionKind::kMatch, "tcp", 0, "xt_tcpudp"})
                  .code(),
              absl::StatusCode::kPermissionDenied);
  });
}

TEST_F(XtablesProbeTest, ANameTooLongForTheKernelIsRefused) {
  EXPECT_EQ(CheckExtension(Family::kIPv4, {ExtensionKind::kMatch,
                                           std::string(29, 'x'), 0, "xt_x"})
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace netpol
