#include "netpol/dataplane/ipset/ipset_messages.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

using testing::ElementsAre;

SetSpec SpecOf(SetType type, Family family) {
  return {SetName(family, "KUBE-SRC-AAAAAAAAAAAAAAAA"), type, family, 65536};
}

std::vector<SetMember> PortMembers(size_t count) {
  std::vector<SetMember> members;
  for (size_t i = 0; i < count; ++i) {
    members.push_back(SetMember::AddressPort(
        {Family::kIPv6, (absl::uint128(0xfd00) << 112) + i}, IPPROTO_TCP, 80));
  }
  return members;
}

nlattr* Attribute(const NetlinkMessage& message, int type) {
  return nlmsg_find_attr(nlmsg_hdr(message.get()), sizeof(nfgenmsg), type);
}

// The line numbers of the members in `message`, in order.
std::vector<uint32_t> Lines(const NetlinkMessage& message) {
  std::vector<uint32_t> lines;
  nlattr* list = Attribute(message, IPSET_ATTR_ADT);
  nlattr* data;
  int left;
  nla_for_each_nested(data, list, left) {
    lines.push_back(nla_get_u32(nla_find(static_cast<nlattr*>(nla_data(data)),
                                         nla_len(data), IPSET_ATTR_LINENO)));
  }
  return lines;
}

std::vector<size_t> MembersPerMessage(size_t members) {
  std::vector<size_t> counts;
  for (const NetlinkMessage& message : EncodeMembers(
           MemberCommand::kAdd, SpecOf(SetType::kHashIpPort, Family::kIPv6),
           PortMembers(members))) {
    counts.push_back(Lines(message).size());
  }
  return counts;
}

TEST(IpsetMessagesTest, AMessageTakesAThousandMembers) {
  EXPECT_THAT(MembersPerMessage(0), ElementsAre());
  EXPECT_THAT(MembersPerMessage(1), ElementsAre(1));
  EXPECT_THAT(MembersPerMessage(999), ElementsAre(999));
  EXPECT_THAT(MembersPerMessage(1000), ElementsAre(1000));
  EXPECT_THAT(MembersPerMessage(1001), ElementsAre(1000, 1));
  EXPECT_THAT(MembersPerMessage(2000), ElementsAre(1000, 1000));
}

TEST(IpsetMessagesTest, AThousandOfTheLongestMembersFitTheLengthField) {
  const auto messages = EncodeMembers(
      MemberCommand::kAdd, SpecOf(SetType::kHashIpPort, Family::kIPv6),
      PortMembers(1000));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(nla_len(Attribute(messages[0], IPSET_ATTR_ADT)), 1000 * 52);
}

TEST(IpsetMessagesTest, LinesCountFromOneInEachMessage) {
  const auto messages = EncodeMembers(
      MemberCommand::kAdd, SpecOf(SetType::kHashIpPort, Family::kIPv6),
      PortMembers(1002));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(Lines(messages[0]).front(), 1u);
  EXPECT_EQ(Lines(messages[0]).back(), 1000u);
  EXPECT_THAT(Lines(messages[1]), ElementsAre(1, 2));
}

TEST(IpsetMessagesTest, PresentAndAbsentMembersAreNoErrorToTheKernel) {
  for (MemberCommand command : {MemberCommand::kAdd, MemberCommand::kRemove}) {
    const auto messages = EncodeMembers(
        command, SpecOf(SetType::kHashIpPort, Family::kIPv6), PortMembers(1));
    EXPECT_EQ(nlmsg_hdr(messages[0].get())->nlmsg_flags & NLM_F_EXCL, 0);
    EXPECT_EQ(
        nlmsg_hdr(messages[0].get())->nlmsg_type,
        NFNL_SUBSYS_IPSET << 8 |
            (command == MemberCommand::kAdd ? IPSET_CMD_ADD : IPSET_CMD_DEL));
  }
}

TEST(IpsetMessagesTest, AMemberIsEncodedAsTheKernelReadsIt) {
  const auto messages = EncodeMembers(
      MemberCommand::kAdd, SpecOf(SetType::kHashNet, Family::kIPv4),
      {SetMember::Net(*IpPrefix::Parse("10.1.2.0/24"))});
  nlattr* list = Attribute(messages[0], IPSET_ATTR_ADT);
  const std::string bytes(static_cast<char*>(nla_data(list)), nla_len(list));
  const unsigned char expected[] = {
      32, 0, 0x07, 0x80,               // IPSET_ATTR_DATA, nested
      12, 0, 0x01, 0x80,               // IPSET_ATTR_IP, nested
      8,  0, 0x01, 0x40,               // IPSET_ATTR_IPADDR_IPV4, network order
      10, 1, 2,    0,                  //
      5,  0, 0x03, 0,    24, 0, 0, 0,  // IPSET_ATTR_CIDR
      8,  0, 0x09, 0,    1,  0, 0, 0,  // IPSET_ATTR_LINENO, our own order
  };
  EXPECT_EQ(bytes, std::string(reinterpret_cast<const char*>(expected),
                               sizeof(expected)));
}

TEST(IpsetMessagesTest, AListIsADump) {
  EXPECT_EQ(nlmsg_hdr(EncodeListQuery(ListScope::kMembers).get())->nlmsg_flags,
            NLM_F_REQUEST | NLM_F_DUMP);
}

}  // namespace
}  // namespace netpol
