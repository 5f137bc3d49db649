#include "netpol/enforcer/kernel_access.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/fake_dataplane.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A container's root: the user id alone permits nothing.
TEST(RequireCapabilitiesTest, MissingCapabilitiesAreNamedWhoeverAsks) {
  absl::Status status;
  std::thread([&status] {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    ASSERT_EQ(syscall(SYS_capset, &header, none), 0);
    status = RequireCapabilities();
  }).join();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(absl::StrCat("user id ", geteuid(), " ")),
                    HasSubstr("lacks CAP_NET_ADMIN "),
                    HasSubstr("and CAP_NET_RAW "), HasSubstr("as root")));
}

TEST(FamiliesOfTest, FamilyThatTheKernelLacksIsLeftOut) {
  FakeDataplane kernel;
  kernel.set_gate([reads = 0](const Operation&) mutable {
    return ++reads == 2 ? absl::UnimplementedError("no IPv6 table")
                        : absl::OkStatus();
  });
  const absl::StatusOr<std::vector<Family>> families = FamiliesOf(kernel);
  ASSERT_TRUE(families.ok()) << families.status();
  EXPECT_THAT(*families, ElementsAre(Family::kIPv4));
}

TEST(FamiliesOfTest, OtherErrorsAreErrors) {
  FakeDataplane kernel;
  kernel.FailNext(OperationKind::kRead, absl::UnavailableError("later"));
  EXPECT_EQ(FamiliesOf(kernel).status().code(), absl::StatusCode::kUnavailable);
}

TEST(DecideFlavourTest, WhatWasAskedForIsTakenUnseen) {
  for (Flavour flavour : kFlavours) {
    const FlavourDecision decision = DecideFlavour(flavour, {Family::kIPv4});
    EXPECT_EQ(decision.flavour, flavour);
    EXPECT_EQ(decision.reason, "it was asked for");
    EXPECT_EQ(DecideFlavourToRead(flavour).flavour, flavour);
  }
}

using FlavourToReadTest = LabFixture;

TEST_F(FlavourToReadTest, ItIsTheOneThatHasOurChains) {
  auto ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  for (const char* flavour : {"nft", "legacy"}) {
    const std::string tool = absl::StrCat("iptables-", flavour);
    Program make;
    make.argv = {tool, "-N", "KUBE-ROUTER-FORWARD"};
    ASSERT_TRUE(RunProgram(*ns, make).ok());
    FlavourDecision decision;
    ASSERT_TRUE(ns->Run([&]() -> absl::Status {
                    decision = DecideFlavourToRead(absl::nullopt);
                    return absl::OkStatus();
                  }).ok());
    EXPECT_EQ(FlavourName(decision.flavour), flavour);
    EXPECT_EQ(decision.reason, "our chains are there");
    Program remove;
    remove.argv = {tool, "-X", "KUBE-ROUTER-FORWARD"};
    ASSERT_TRUE(RunProgram(*ns, remove).ok());
  }
}

TEST(MissingFeaturesTest, EachMissingThingIsASentenceWithItsRemedy) {
  v1::CheckResult result;
  v1::CheckResult::Finding* there = result.add_findings();
  there->set_name("conntrack");
  there->set_ok(true);
  EXPECT_THAT(MissingFeatures(result), IsEmpty());
  v1::CheckResult::Finding* missing = result.add_findings();
  missing->set_name("ipset");
  missing->set_ok(false);
  missing->set_detail("no answer");
  missing->set_remedy("load module ip_set");
  const std::vector<v1::Problem> problems = MissingFeatures(result);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].severity(), v1::Problem::ERROR);
  EXPECT_THAT(problems[0].text(),
              HasSubstr("ipset is missing: no answer; load module ip_set"));
}

}  // namespace
}  // namespace netpol
