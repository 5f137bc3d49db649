#include "netpol/dataplane/ipset/ipset_error.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/ipset/ip_set_hash.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

using testing::HasSubstr;

absl::StatusCode CodeOf(int error) { return IpsetError(error, "step").code(); }

TEST(IpsetErrorTest, EachKernelErrorHasTheCodeThatTheEngineActsOn) {
  EXPECT_EQ(CodeOf(EPERM), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(ENOENT), absl::StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(EEXIST), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CodeOf(IPSET_ERR_BUSY), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(EBUSY), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf(IPSET_ERR_MAX_SETS), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(IPSET_ERR_HASH_FULL), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(ENOMEM), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(IPSET_ERR_TYPE_MISMATCH),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(IPSET_ERR_FIND_TYPE), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeOf(IPSET_ERR_INVALID_CIDR), absl::StatusCode::kInvalidArgument);
}

TEST(IpsetErrorTest, AnUnknownErrorIsInternalAndKeepsItsNumber) {
  const absl::Status status = IpsetError(4099999, "step");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("4099999"));
}

TEST(IpsetErrorTest, PermissionErrorSaysWhatIsMissing) {
  EXPECT_EQ(IpsetError(EPERM, "list all sets").message(),
            "ipset: list all sets: needs CAP_NET_ADMIN (run as root)");
}

TEST(IpsetErrorTest, StepNamesSetTypeAndCapacity) {
  const SetSpec spec{SetName("KUBE-SRC-A"), SetType::kHashNet, Family::kIPv4,
                     7};
  EXPECT_EQ(SetStep("create", spec),
            "create set \"KUBE-SRC-A\" (hash:net, at most 7 members)");
}

}  // namespace
}  // namespace netpol
