#include "netpol/dataplane/host/nft_compat_probe.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/host/xtables_probe.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class NftCompatProbeTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
  }
};

TEST_P(NftCompatProbeTest, WhatTheKernelHasIsFound) {
  for (const KernelExtension& extension : {
           KernelExtension{ExtensionKind::kMatch, "set", 4, "xt_set"},
           KernelExtension{ExtensionKind::kMatch, "comment", 0, "xt_comment"},
           KernelExtension{ExtensionKind::kTarget, "NFLOG", 0, "xt_NFLOG"},
           KernelExtension{ExtensionKind::kTarget, "REJECT", 0, "REJECT"},
       }) {
    const absl::Status status = CheckNftExtension(GetParam(), extension);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_P(NftCompatProbeTest, WhatIsMissingIsNamed) {
  const absl::Status missing = CheckNftExtension(
      GetParam(), {ExtensionKind::kMatch, "nosuchmatch", 0, "xt_none"});
  EXPECT_EQ(missing.code(), absl::StatusCode::kUnimplemented) << missing;
  EXPECT_THAT(missing.message(), HasSubstr("match nosuchmatch"));
  EXPECT_THAT(missing.message(), HasSubstr("module xt_none"));
  // A match of that name is no target.
  EXPECT_EQ(CheckNftExtension(GetParam(),
                              {ExtensionKind::kTarget, "comment", 0, "xt_none"})
                .code(),
            absl::StatusCode::kUnimplemented);
}

TEST_P(NftCompatProbeTest, AnotherRevisionIsNotEnough) {
  const absl::Status status = CheckNftExtension(
      GetParam(), {ExtensionKind::kMatch, "set", 200, "xt_set"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_THAT(status.message(), HasSubstr("other revisions"));
}

TEST_P(NftCompatProbeTest, ANameThatIsTooLongIsRefused) {
  EXPECT_EQ(CheckNftExtension(GetParam(), {ExtensionKind::kMatch,
                                           std::string(40, 'x'), 0, "none"})
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(NftCompatProbeTest, WithoutPrivilegesNothingIsKnown) {
  absl::Status status;
  WithoutPrivileges([&] {
    status = CheckNftExtension(GetParam(),
                               {ExtensionKind::kMatch, "set", 4, "xt_set"});
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
}

INSTANTIATE_TEST_SUITE_P(Families, NftCompatProbeTest,
                         testing::Values(Family::kIPv4, Family::kIPv6),
                         [](const auto& info) {
                           return std::string(FamilyName(info.param));
                         });

}  // namespace
}  // namespace netpol
