#include "netpol/dataplane/legacy/table_error.h"

#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;

TEST(TableErrorTest, AMissingTableNamesTheModules) {
  for (const int error : {ENOENT, ENOPROTOOPT, EAFNOSUPPORT}) {
    const absl::Status status = TableReadError(Family::kIPv6, error, "none");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("ip6_tables and ip6table_filter"));
  }
}

TEST(TableErrorTest, MissingRightsNameTheCapability) {
  const absl::Status status = TableReadError(Family::kIPv4, EPERM, "no");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CAP_NET_ADMIN"));
}

TEST(TableErrorTest, WhatMayPassIsUnavailable) {
  EXPECT_EQ(TableWriteError(Family::kIPv4, "committing", EAGAIN, "").code(),
            absl::StatusCode::kUnavailable);
}

TEST(TableErrorTest, ErrorsNameStepFamilyAndReason) {
  const absl::Status status =
      TableWriteError(Family::kIPv4, "adding chain KUBE-X", ELOOP, "a loop");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "adding chain KUBE-X in the legacy IPv4 table filter: a loop "
            "(errno 40)");
}

TEST(TableErrorTest, AMissingNameInAWriteIsNoMissingTable) {
  EXPECT_EQ(TableWriteError(Family::kIPv4, "x", ENOENT, "").code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace netpol
