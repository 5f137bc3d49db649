// Reading sets that `ipset` made, with all that ours do not have.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"
#include "tests/dataplane/ipset/private_network.h"
#include "tests/dataplane/ipset/set_table_fixture.h"

namespace netpol {
namespace {

using testing::UnorderedElementsAre;
using Sets = absl::btree_map<SetName, ObservedSet>;

class SetTableReadTest : public SetTableFixture {
 protected:
  Sets ReadAll() {
    auto sets = table_->Read(kFamilies);
    EXPECT_TRUE(sets.ok()) << sets.status();
    return sets.ok() ? *sets : Sets();
  }

  // The set KUBE-SRC-A after `commands`.
  ObservedSet After(const std::string& commands) {
    Shell(commands);
    Sets sets = ReadAll();
    EXPECT_EQ(sets.count(SetName("KUBE-SRC-A")), 1u);
    return sets[SetName("KUBE-SRC-A")];
  }
};

TEST_F(SetTableReadTest, AKernelWithoutSetsReadsAsEmpty) {
  EXPECT_TRUE(ReadAll().empty());
}

TEST_F(SetTableReadTest, WhatWasWrittenIsReadBackForEveryTypeAndFamily) {
  const std::vector<std::pair<SetSpec, std::vector<SetMember>>> written = {
      {Spec("KUBE-SRC-A", SetType::kHashIp, 100), Addresses(90)},
      {Spec("inet6:KUBE-SRC-A"), Addresses(10, Family::kIPv6)},
      {Spec("KUBE-SRC-B", SetType::kHashNet),
       {Net("128.0.0.0/1"), Net("10.0.0.0/8"), Net("192.0.2.1/32")}},
      {Spec("inet6:KUBE-SRC-B", SetType::kHashNet),
       {Net("8000::/1"), Net("fd00::1/128")}},
      {Spec("KUBE-DST-C", SetType::kHashIpPort),
       {Port("10.0.0.1", IPPROTO_TCP, 80), Port("10.0.0.1", IPPROTO_UDP, 80)}},
      {Spec("inet6:KUBE-DST-C", SetType::kHashIpPort),
       {Port("fd00::1", IPPROTO_SCTP, 65535)}},
      {Spec("KUBE-DST-EMPTY"), {}},
  };
  for (const auto& [spec, members] : written) {
    ASSERT_TRUE(table_->CreateSet(spec, members).ok());
  }
  Sets sets = ReadAll();
  EXPECT_EQ(sets.size(), written.size());
  for (const auto& [spec, members] : written) {
    const ObservedSet& set = sets[spec.name];
    EXPECT_EQ(set.spec, spec) << spec.name;
    EXPECT_EQ(set.members,
              absl::flat_hash_set<SetMember>(members.begin(), members.end()))
        << spec.name;
    EXPECT_FALSE(set.foreign_content) << spec.name;
  }
}

TEST_F(SetTableReadTest, SetsThatFillManyMessagesAreReadWhole) {
  const std::vector<SetMember> ipv4 = Addresses(70000);
  const std::vector<SetMember> ipv6 = Addresses(70000, Family::kIPv6);
  ASSERT_TRUE(
      table_->CreateSet(Spec("KUBE-SRC-A", SetType::kHashIp, 262144), ipv4)
          .ok());
  ASSERT_TRUE(
      table_
          ->CreateSet(Spec("inet6:KUBE-SRC-A", SetType::kHashIp, 262144), ipv6)
          .ok());
  Sets sets = ReadAll();
  EXPECT_EQ(sets[SetName("KUBE-SRC-A")].members,
            absl::flat_hash_set<SetMember>(ipv4.begin(), ipv4.end()));
  EXPECT_EQ(sets[SetName("inet6:KUBE-SRC-A")].members,
            absl::flat_hash_set<SetMember>(ipv6.begin(), ipv6.end()));
}

TEST_F(SetTableReadTest, OnlyOurNamesOfTheAskedFamiliesAreRead) {
  Shell(
      "ipset create blocked hash:ip; ipset create KUBE-OTHER hash:ip; "
      "ipset create KUBE-SRC-A hash:ip; ipset create KUBE-DST-A hash:ip; "
      "ipset create kube-router-pod-cidrs hash:ip; "
      "ipset create inet6:KUBE-SRC-A hash:ip family inet6");
  std::vector<std::string> names;
  const Family ipv4[] = {Family::kIPv4};
  const auto sets = table_->Read(ipv4);
  ASSERT_TRUE(sets.ok()) << sets.status();
  for (const auto& [name, set] : *sets) {
    names.push_back(name.value());
  }
  EXPECT_THAT(names, UnorderedElementsAre("KUBE-SRC-A", "KUBE-DST-A",
                                          "kube-router-pod-cidrs"));
  const Family ipv6[] = {Family::kIPv6};
  EXPECT_EQ(table_->Read(ipv6)->size(), 1u);
}

TEST_F(SetTableReadTest, SetsThatAreNotReadAreCounted) {
  Shell(
      "ipset create blocked hash:ip; ipset create KUBE-OTHER list:set; "
      "ipset create KUBE-SRC-A hash:ip; "
      "ipset create inet6:KUBE-SRC-A hash:ip family inet6");
  // Several messages; each set counts once.
  Shell(
      "(echo create crowd hash:ip; for i in $(seq 5000); do "
      "echo add crowd 10.0.$((i / 250)).$((i % 250 + 1)); done) | "
      "ipset restore");
  size_t others = 0;
  EXPECT_EQ(table_->Read(kFamilies, &others)->size(), 2u);
  EXPECT_EQ(others, 3u);
  const Family ipv4[] = {Family::kIPv4};
  EXPECT_EQ(table_->Read(ipv4, &others)->size(), 1u);
  EXPECT_EQ(others, 4u);
}

TEST_F(SetTableReadTest, HashSizeIsReadAsItIsNow) {
  ObservedSet set = After("ipset create KUBE-SRC-A hash:ip hashsize 256");
  EXPECT_EQ(set.hash_size, 256u);
  ASSERT_TRUE(table_->AddMembers(Spec("KUBE-SRC-A"), Addresses(8000)).ok());
  set = After("true");
  EXPECT_GT(set.hash_size, 256u) << "the kernel doubled it";
  EXPECT_THAT(
      Shell("ipset list -t KUBE-SRC-A"),
      testing::HasSubstr("hashsize " + std::to_string(set.hash_size) + " "));
}

TEST_F(SetTableReadTest, ReadingWritesNothing) {
  Shell(
      "ipset create KUBE-SRC-A hash:net counters; "
      "ipset add KUBE-SRC-A 10.0.0.0/8; ipset create other hash:ip");
  const std::string before = Shell("ipset save");
  ReadAll();
  EXPECT_EQ(Shell("ipset save"), before);
  EXPECT_EQ(table_->messages(), 0u);
}

TEST_F(SetTableReadTest, PermanentMembersOfASetWithTimeoutsAreOrdinary) {
  const ObservedSet set = After(
      "ipset create KUBE-SRC-A hash:ip timeout 0 maxelem 1000; "
      "ipset add KUBE-SRC-A 10.0.0.1; ipset add KUBE-SRC-A 10.0.0.2 timeout 0");
  EXPECT_FALSE(set.foreign_content);
  EXPECT_EQ(set.spec.max_elements, 1000u);
  EXPECT_THAT(set.members,
              UnorderedElementsAre(Ip("10.0.0.1"), Ip("10.0.0.2")));
}

TEST_F(SetTableReadTest, ARunningTimeoutIsForeign) {
  const ObservedSet set = After(
      "ipset create KUBE-SRC-A hash:ip timeout 0; "
      "ipset add KUBE-SRC-A 10.0.0.1; "
      "ipset add KUBE-SRC-A 10.0.0.2 timeout 600");
  EXPECT_TRUE(set.foreign_content);
  EXPECT_THAT(set.members, UnorderedElementsAre(Ip("10.0.0.1")));
}

TEST_F(SetTableReadTest, ADefaultTimeoutIsForeignSinceOurMembersWouldEnd) {
  EXPECT_TRUE(
      After("ipset create KUBE-SRC-A hash:ip timeout 600").foreign_content);
}

TEST_F(SetTableReadTest, NomatchIsForeign) {
  const ObservedSet set = After(
      "ipset create KUBE-SRC-A hash:net; ipset add KUBE-SRC-A 10.0.0.0/8; "
      "ipset add KUBE-SRC-A 10.1.0.0/16 nomatch");
  EXPECT_TRUE(set.foreign_content);
  EXPECT_THAT(set.members, UnorderedElementsAre(Net("10.0.0.0/8")));
}

TEST_F(SetTableReadTest, CommentsAndCountersAreOrdinary) {
  const ObservedSet set = After(
      "ipset create KUBE-SRC-A hash:ip,port comment counters; "
      "ipset add KUBE-SRC-A 10.0.0.1,udp:53 comment dns packets 7 bytes 9");
  EXPECT_FALSE(set.foreign_content);
  EXPECT_THAT(set.members,
              UnorderedElementsAre(Port("10.0.0.1", IPPROTO_UDP, 53)));
}

TEST_F(SetTableReadTest, MaskedAddressesAreForeign) {
  EXPECT_TRUE(
      After("ipset create KUBE-SRC-A hash:ip netmask 24").foreign_content);
}

TEST_F(SetTableReadTest, ASetThatDropsOldMembersIsForeign) {
  EXPECT_TRUE(
      After("ipset create KUBE-SRC-A hash:ip forceadd").foreign_content);
}

TEST_F(SetTableReadTest, OtherTypesAreForeignWithTheNearestType) {
  Shell(
      "ipset create KUBE-SRC-A list:set; ipset create inner hash:ip; "
      "ipset add KUBE-SRC-A inner; "
      "ipset create KUBE-SRC-B hash:net,port; "
      "ipset add KUBE-SRC-B 10.0.0.0/8,tcp:80; "
      "ipset create KUBE-SRC-C bitmap:port range 1-100; "
      "ipset add KUBE-SRC-C 80; ipset create inet6:KUBE-SRC-D list:set");
  Sets sets = ReadAll();
  ASSERT_EQ(sets.size(), 4u);
  for (const auto& [name, set] : sets) {
    EXPECT_TRUE(set.foreign_content) << name;
    EXPECT_EQ(set.spec.name, name);
  }
  EXPECT_EQ(sets[SetName("KUBE-SRC-A")].spec.type, SetType::kHashIp);
  EXPECT_EQ(sets[SetName("KUBE-SRC-B")].spec.type, SetType::kHashNet);
  EXPECT_EQ(sets[SetName("KUBE-SRC-C")].spec.type, SetType::kHashIpPort);
  EXPECT_EQ(sets[SetName("inet6:KUBE-SRC-D")].spec.family, Family::kIPv6);
}

TEST_F(SetTableReadTest, AFamilyThatTheNameDoesNotSayIsForeign) {
  const ObservedSet set = After("ipset create KUBE-SRC-A hash:ip family inet6");
  EXPECT_TRUE(set.foreign_content);
  EXPECT_EQ(set.spec.family, Family::kIPv6);
}

}  // namespace
}  // namespace netpol
