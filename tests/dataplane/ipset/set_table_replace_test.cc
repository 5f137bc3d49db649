// Replacing sets in one step, also under a rule and after a crash.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "tests/dataplane/ipset/private_network.h"
#include "tests/dataplane/ipset/set_table_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SetTableReplaceTest : public SetTableFixture {};

TEST(SetTableTwinTest, NameIsStableOursAndFits) {
  const SetSpec ipv4 = Spec("KUBE-SRC-AAAAAAAAAAAAAAAA");
  const SetSpec ipv6 = Spec("inet6:KUBE-SRC-AAAAAAAAAAAAAAAA");
  EXPECT_EQ(SetTable::TwinName(ipv4), SetTable::TwinName(ipv4));
  EXPECT_NE(SetTable::TwinName(ipv4),
            SetTable::TwinName(Spec("KUBE-SRC-AAAAAAAAAAAAAAAB")));
  for (const SetSpec& spec : {ipv4, ipv6}) {
    const std::string name = SetTable::TwinName(spec).value();
    EXPECT_LE(name.size(), SetName::kMaxLength);
    EXPECT_TRUE(SetName::IsOurs(name));
  }
  EXPECT_THAT(SetTable::TwinName(ipv6).value(),
              testing::StartsWith("inet6:kube-router-tmp-"));
}

TEST_F(SetTableReplaceTest, ReplacedSetHasTheNewContentAndCapacity) {
  ASSERT_TRUE(
      table_->CreateSet(Spec("KUBE-SRC-A", SetType::kHashIp, 10), Addresses(10))
          .ok());
  const SetSpec larger = Spec("KUBE-SRC-A", SetType::kHashIp, 131072);
  ASSERT_TRUE(table_->ReplaceSet(larger, Addresses(1500)).ok());
  EXPECT_EQ(SavedMembers("KUBE-SRC-A"), Texts(Addresses(1500)));
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-A"),
              HasSubstr("hashsize 2048 maxelem 131072"));
  EXPECT_THAT(SavedNames(), ElementsAre("KUBE-SRC-A"));
}

TEST_F(SetTableReplaceTest, ItTakesOneCreateOneSwapOneDestroyAndTheMembers) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), {}).ok());
  const uint64_t before = table_->messages();
  ASSERT_TRUE(table_->ReplaceSet(Spec("KUBE-SRC-A"), Addresses(1001)).ok());
  EXPECT_EQ(table_->messages() - before, 5u);
}

TEST_F(SetTableReplaceTest, SetsOfIpv6AreReplacedToo) {
  const SetSpec spec =
      Spec("inet6:KUBE-SRC-AAAAAAAAAAAAAAAA", SetType::kHashNet);
  ASSERT_TRUE(table_->CreateSet(spec, {Net("fd00::/8")}).ok());
  ASSERT_TRUE(table_->ReplaceSet(spec, {Net("2001:db8::/32")}).ok());
  EXPECT_THAT(SavedMembers(spec.name.value()), ElementsAre("2001:db8::/32"));
}

TEST_F(SetTableReplaceTest, TheUsersOfTheSetUseTheNewContent) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  Shell("ipset create user list:set; ipset add user KUBE-SRC-A");
  ASSERT_TRUE(table_->ReplaceSet(Spec("KUBE-SRC-A"), Addresses(3)).ok());
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 3u);
  EXPECT_THAT(SavedMembers("user"), ElementsAre("KUBE-SRC-A"));
  EXPECT_THAT(SavedNames(), ElementsAre("KUBE-SRC-A", "user"));
}

TEST_F(SetTableReplaceTest, ARuleKeepsTheSetAndCannotLoseIt) {
  if (!HasProgram("iptables-legacy"))
    GTEST_SKIP() << "needs iptables-legacy to make a rule";
  setenv("XTABLES_LOCKFILE",
         absl::StrCat(testing::TempDir(), "/xtables.lock").c_str(), 1);
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  Shell("iptables-legacy -A INPUT -m set --match-set KUBE-SRC-A src -j ACCEPT");
  ASSERT_TRUE(table_->ReplaceSet(Spec("KUBE-SRC-A"), Addresses(3)).ok());
  EXPECT_THAT(Shell("iptables-legacy -S INPUT"),
              HasSubstr("--match-set KUBE-SRC-A src"));
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-A"), HasSubstr("References: 1"));
  EXPECT_EQ(table_->DestroySet(SetName("KUBE-SRC-A")).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 3u);
}

TEST_F(SetTableReplaceTest, ATwinThatACrashLeftIsReplacedAndRemoved) {
  const SetSpec spec = Spec("KUBE-SRC-A");
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(2)).ok());
  const std::string twin = SetTable::TwinName(spec).value();
  Shell(absl::StrCat("ipset create ", twin, " hash:net; ipset add ", twin,
                     " 10.0.0.0/8"));
  ASSERT_TRUE(table_->ReplaceSet(spec, Addresses(5)).ok());
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 5u);
  EXPECT_THAT(SavedNames(), ElementsAre("KUBE-SRC-A"));
}

TEST_F(SetTableReplaceTest, ATwinThatCannotBeRemovedFailsTheReplacement) {
  const SetSpec spec = Spec("KUBE-SRC-A");
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(2)).ok());
  const std::string twin = SetTable::TwinName(spec).value();
  Shell(absl::StrCat("ipset create ", twin,
                     " hash:ip; ipset create user "
                     "list:set; ipset add user ",
                     twin));
  const absl::Status status = table_->ReplaceSet(spec, Addresses(5));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(twin));
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 2u);
}

TEST_F(SetTableReplaceTest, NothingIsLeftWhenThereIsNoSetToReplace) {
  const absl::Status status =
      table_->ReplaceSet(Spec("KUBE-SRC-A"), Addresses(5));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-A"));
  EXPECT_THAT(SavedNames(), IsEmpty());
}

TEST_F(SetTableReplaceTest, AnotherTypeIsAFailedPreconditionAndStays) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  const absl::Status status = table_->ReplaceSet(
      Spec("KUBE-SRC-A", SetType::kHashNet), {Net("10.0.0.0/8")});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("different types"));
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 2u);
  EXPECT_THAT(SavedNames(), ElementsAre("KUBE-SRC-A"));
}

TEST_F(SetTableReplaceTest, MembersThatDoNotFitLeaveTheOldContent) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  EXPECT_EQ(
      table_
          ->ReplaceSet(Spec("KUBE-SRC-A", SetType::kHashIp, 10), Addresses(11))
          .code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 2u);
  EXPECT_THAT(SavedNames(), ElementsAre("KUBE-SRC-A"));
}

}  // namespace
}  // namespace netpol
