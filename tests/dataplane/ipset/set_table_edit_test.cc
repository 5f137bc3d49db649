// Creating, filling, editing and destroying sets of the running kernel, seen
// with the eyes of `ipset`.
#include <netinet/in.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
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

class SetTableEditTest : public SetTableFixture {};

TEST_F(SetTableEditTest, CreatedSetHasItsMembersForEveryTypeAndFamily) {
  struct Case {
    SetSpec spec;
    std::vector<SetMember> members;
  };
  const Case cases[] = {
      {Spec("KUBE-SRC-A"), {Ip("10.0.0.1"), Ip("255.255.255.254")}},
      {Spec("inet6:KUBE-SRC-A"), {Ip("fd00::1"), Ip("2001:db8::ffff")}},
      {Spec("KUBE-SRC-B", SetType::kHashNet),
       {Net("10.0.0.0/8"), Net("192.0.2.1/32"), Net("128.0.0.0/1")}},
      {Spec("inet6:KUBE-SRC-B", SetType::kHashNet),
       {Net("fd00::/8"), Net("2001:db8::1/128"), Net("8000::/1")}},
      {Spec("KUBE-DST-C", SetType::kHashIpPort),
       {Port("10.0.0.1", IPPROTO_TCP, 80), Port("10.0.0.1", IPPROTO_UDP, 53),
        Port("10.0.0.1", IPPROTO_SCTP, 65535)}},
      {Spec("inet6:KUBE-DST-C", SetType::kHashIpPort),
       {Port("fd00::1", IPPROTO_TCP, 80), Port("fd00::1", IPPROTO_SCTP, 1)}},
  };
  for (const Case& each : cases) {
    const absl::Status status = table_->CreateSet(each.spec, each.members);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(SavedMembers(each.spec.name.value()), Texts(each.members));
  }
  EXPECT_EQ(SavedNames().size(), 6u);
}

TEST_F(SetTableEditTest, CreatedSetHasTheSizesOfItsSpecAndNoExtensions) {
  ASSERT_TRUE(
      table_->CreateSet(Spec("KUBE-SRC-A", SetType::kHashIp, 131072), {}).ok());
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-B"), Addresses(1500)).ok());
  const std::string small = Shell("ipset list -t KUBE-SRC-A");
  EXPECT_THAT(small, HasSubstr("hashsize 64 maxelem 131072"));
  EXPECT_THAT(small, Not(HasSubstr("timeout")));
  EXPECT_THAT(small, Not(HasSubstr("counters")));
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-B"),
              HasSubstr("hashsize 2048 maxelem 65536"));
}

TEST_F(SetTableEditTest, SeventyThousandMembersArriveInSeventyMessages) {
  const SetSpec spec = Spec("KUBE-SRC-A", SetType::kHashIp, 262144);
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(70000)).ok());
  EXPECT_EQ(table_->messages(), 71u);
  EXPECT_EQ(SavedMembers("KUBE-SRC-A"), Texts(Addresses(70000)));
  EXPECT_THAT(Shell("ipset list -t KUBE-SRC-A"), HasSubstr("hashsize 131072"));
  ASSERT_TRUE(table_->RemoveMembers(spec, Addresses(69999)).ok());
  EXPECT_EQ(table_->messages(), 141u);
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 1u);
}

TEST_F(SetTableEditTest, SeventyThousandMembersOfTheLongestKindArrive) {
  const SetSpec spec = Spec("inet6:KUBE-DST-A", SetType::kHashIpPort, 262144);
  std::vector<SetMember> members = Addresses(70000, Family::kIPv6);
  for (SetMember& member : members) {
    member.protocol = IPPROTO_TCP;
    member.port = 8080;
  }
  ASSERT_TRUE(table_->CreateSet(spec, members).ok());
  EXPECT_EQ(SavedMembers("inet6:KUBE-DST-A").size(), 70000u);
}

TEST_F(SetTableEditTest, AddingWhatIsThereAndRemovingWhatIsNotAreNoErrors) {
  const SetSpec spec = Spec("KUBE-SRC-A");
  ASSERT_TRUE(table_->CreateSet(spec, {Ip("10.0.0.1")}).ok());
  EXPECT_TRUE(table_->AddMembers(spec, {Ip("10.0.0.1"), Ip("10.0.0.2")}).ok());
  EXPECT_TRUE(
      table_->RemoveMembers(spec, {Ip("10.0.0.9"), Ip("10.0.0.1")}).ok());
  EXPECT_THAT(SavedMembers("KUBE-SRC-A"), ElementsAre("10.0.0.2"));
}

TEST_F(SetTableEditTest, MessagesCountsEveryWriteAndNothingElse) {
  const SetSpec spec = Spec("KUBE-SRC-A");
  ASSERT_TRUE(table_->Read(kFamilies).ok());
  EXPECT_EQ(table_->messages(), 0u);
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(1001)).ok());
  EXPECT_EQ(table_->messages(), 3u);
  ASSERT_TRUE(table_->AddMembers(spec, {}).ok());
  EXPECT_EQ(table_->messages(), 3u);
  ASSERT_TRUE(table_->AddMembers(spec, Addresses(1)).ok());
  EXPECT_EQ(table_->messages(), 4u);
  ASSERT_TRUE(table_->DestroySet(spec.name).ok());
  EXPECT_EQ(table_->messages(), 5u);
}

TEST_F(SetTableEditTest, FullSetIsNamedWithItsCapacityAndTheMember) {
  const SetSpec spec = Spec("KUBE-SRC-A", SetType::kHashIp, 10);
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(10)).ok());
  const absl::Status status = table_->AddMembers(spec, Addresses(11));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "ipset: add 10.0.0.11 to set \"KUBE-SRC-A\" (hash:ip, at most 10 "
            "members): the set is full; it must be replaced by a larger one");
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 10u);
}

TEST_F(SetTableEditTest, RefusalsOfSeveralFullMessagesAreAllRead) {
  const SetSpec spec = Spec("KUBE-SRC-A", SetType::kHashIp, 5);
  ASSERT_TRUE(table_->CreateSet(spec, {}).ok());
  const absl::Status status = table_->AddMembers(spec, Addresses(9000));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("add 10.0.0.6 to"));
  // The socket is in step again.
  EXPECT_TRUE(table_->RemoveMembers(spec, Addresses(9000)).ok());
  EXPECT_THAT(SavedMembers("KUBE-SRC-A"), IsEmpty());
}

TEST_F(SetTableEditTest, NoSetIsLeftWhenItsMembersDoNotFit) {
  const SetSpec spec = Spec("KUBE-SRC-A", SetType::kHashIp, 10);
  EXPECT_EQ(table_->CreateSet(spec, Addresses(5000)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(SavedNames(), IsEmpty());
}

TEST_F(SetTableEditTest, NoSetIsLeftWhenTheKernelRefusesAMember) {
  const absl::Status status =
      table_->CreateSet(Spec("KUBE-SRC-A", SetType::kHashNet),
                        {Net("10.0.0.0/8"), Net("0.0.0.0/0")});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("0.0.0.0/0"));
  EXPECT_THAT(SavedNames(), IsEmpty());
}

TEST_F(SetTableEditTest, AnExistingSetIsNotTouchedByCreate) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(3)).ok());
  const absl::Status status =
      table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-A"));
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 3u);
}

TEST_F(SetTableEditTest, MembersOfAnotherKindAreRefusedBeforeAnythingIsSent) {
  const SetSpec spec = Spec("KUBE-SRC-A");
  EXPECT_EQ(table_->CreateSet(spec, {Ip("fd00::1")}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(table_->AddMembers(spec, {Net("10.0.0.0/8")}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(table_->messages(), 0u);
}

TEST_F(SetTableEditTest, EditingAMissingSetIsNotFound) {
  const absl::Status status =
      table_->AddMembers(Spec("KUBE-SRC-A"), Addresses(2500));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-A"));
  EXPECT_EQ(table_->RemoveMembers(Spec("KUBE-SRC-A"), Addresses(1)).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SetTableEditTest, DestroyingAnAbsentSetIsOk) {
  EXPECT_TRUE(table_->DestroySet(SetName("KUBE-SRC-A")).ok());
}

TEST_F(SetTableEditTest, DestroyingASetWithoutNameDestroysNothing) {
  Shell("ipset create blocked hash:ip");
  EXPECT_EQ(table_->DestroySet(SetName()).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(SavedNames(), ElementsAre("blocked"));
}

TEST_F(SetTableEditTest, ASetInUseIsUnavailableAndStays) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(3)).ok());
  Shell("ipset create user list:set; ipset add user KUBE-SRC-A");
  const absl::Status status = table_->DestroySet(SetName("KUBE-SRC-A"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-A"));
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 3u);
  Shell("ipset destroy user");
  absl::Status destroyed = absl::UnavailableError("not tried");
  for (int i = 0; i < 10000 && absl::IsUnavailable(destroyed); ++i) {
    destroyed = table_->DestroySet(SetName("KUBE-SRC-A"));
  }
  EXPECT_TRUE(destroyed.ok()) << destroyed;
}

TEST_F(SetTableEditTest, SetsOfOthersStayAsTheyAreByteForByte) {
  Shell(
      "ipset create blocked hash:net timeout 0 comment counters; "
      "ipset add blocked 10.0.0.0/8 comment 'by hand'; "
      "ipset add blocked 10.1.0.0/16 nomatch; "
      "ipset create KUBE-OTHER hash:ip; ipset add KUBE-OTHER 10.0.0.1; "
      "ipset create others list:set; ipset add others blocked");
  const std::string save =
      "ipset save blocked; ipset save KUBE-OTHER; ipset save others";
  const std::string before = Shell(save);
  const SetSpec spec = Spec("KUBE-SRC-A");
  ASSERT_TRUE(table_->CreateSet(spec, Addresses(2000)).ok());
  ASSERT_TRUE(table_->AddMembers(spec, Addresses(3000)).ok());
  ASSERT_TRUE(table_->RemoveMembers(spec, Addresses(10)).ok());
  ASSERT_TRUE(table_->ReplaceSet(spec, Addresses(20)).ok());
  ASSERT_TRUE(table_->Read(kFamilies).ok());
  ASSERT_TRUE(table_->DestroySet(spec.name).ok());
  EXPECT_EQ(Shell(save), before);
}

TEST_F(SetTableEditTest, WritesGoToTheNetworkItWasCreatedIn) {
  ASSERT_TRUE(EnterPrivateNetwork());
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  EXPECT_THAT(SavedNames(), IsEmpty());
  EXPECT_EQ(table_->Read(kFamilies)->size(), 1u);
}

TEST_F(SetTableEditTest, WithoutPrivilegesCreateSaysWhatIsMissing) {
  WithoutPrivileges([] {
    const absl::Status status = SetTable::Create().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("needs CAP_NET_ADMIN (run as root)"));
  });
}

TEST_F(SetTableEditTest, LostPrivilegesAreReportedByEveryStep) {
  ASSERT_TRUE(table_->CreateSet(Spec("KUBE-SRC-A"), Addresses(2)).ok());
  WithoutPrivileges([this] {
    for (const absl::Status& status :
         {table_->CreateSet(Spec("KUBE-SRC-B"), {}),
          table_->AddMembers(Spec("KUBE-SRC-A"), Addresses(2500)),
          table_->RemoveMembers(Spec("KUBE-SRC-A"), Addresses(5)),
          table_->ReplaceSet(Spec("KUBE-SRC-A"), {}),
          table_->DestroySet(SetName("KUBE-SRC-A")),
          table_->Read(kFamilies).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    }
  });
  EXPECT_EQ(SavedMembers("KUBE-SRC-A").size(), 2u);
}

TEST_F(SetTableEditTest, TablesOfDifferentThreadsDoNotDisturbEachOther) {
  const auto work = [] {
    ASSERT_TRUE(EnterPrivateNetwork());
    auto table = SetTable::Create();
    ASSERT_TRUE(table.ok()) << table.status();
    for (int i = 0; i < 100; ++i) {
      const SetSpec spec = Spec(absl::StrCat("KUBE-SRC-", i));
      ASSERT_TRUE((*table)->CreateSet(spec, Addresses(i)).ok());
      ASSERT_TRUE((*table)->ReplaceSet(spec, Addresses(1)).ok());
      ASSERT_EQ((*table)->CreateSet(spec, {}).code(),
                absl::StatusCode::kAlreadyExists);
      if (i % 2 == 0) {
        ASSERT_TRUE((*table)->DestroySet(spec.name).ok());
      }
    }
    EXPECT_EQ((*table)->Read(kFamilies)->size(), 50u);
  };
  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();
}

TEST_F(SetTableEditTest, FailuresPrintNothing) {
  const SetSpec spec = Spec("KUBE-SRC-A", SetType::kHashIp, 2);
  ASSERT_TRUE(table_->CreateSet(spec, {}).ok());
  EXPECT_EQ(OutputOf([&] {
              table_->CreateSet(spec, {}).IgnoreError();
              table_->AddMembers(spec, Addresses(3)).IgnoreError();
              table_->ReplaceSet(Spec("KUBE-SRC-B"), {}).IgnoreError();
              table_->DestroySet(SetName("KUBE-SRC-B")).IgnoreError();
            }),
            "");
}

}  // namespace
}  // namespace netpol
