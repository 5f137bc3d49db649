// What only a broken or future kernel would send; the rest is tested against
// the running one in set_table_read_test.
#include "netpol/dataplane/ipset/set_listing.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <string>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/ipset/ipset_messages.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

NetlinkMessage Reply(const std::string& name) {
  NetlinkMessage message(nlmsg_alloc());
  nlmsg_put(message.get(), 0, 0, NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST,
            sizeof(nfgenmsg), 0);
  nla_put_string(message.get(), IPSET_ATTR_SETNAME, name.c_str());
  return message;
}

NetlinkMessage Head(const std::string& name, const std::string& type) {
  NetlinkMessage message = Reply(name);
  nla_put_string(message.get(), IPSET_ATTR_TYPENAME, type.c_str());
  nla_put_u8(message.get(), IPSET_ATTR_FAMILY, AF_INET);
  nlattr* data = nla_nest_start(message.get(), IPSET_ATTR_DATA | NLA_F_NESTED);
  nla_put_u32(message.get(), IPSET_ATTR_MAXELEM | NLA_F_NET_BYTEORDER,
              htonl(500));
  nla_nest_end(message.get(), data);
  return message;
}

ObservedSet OnlySet(SetListing& listing) {
  auto sets = listing.Take();
  EXPECT_EQ(sets.size(), 1u);
  return sets.empty() ? ObservedSet() : sets.begin()->second;
}

TEST(SetListingTest, HeadIsReadFromTheFirstMessageAndMembersFromAll) {
  SetListing listing(kFamilies);
  listing.Add(*nlmsg_hdr(Head("KUBE-SRC-A", "hash:ip").get()));
  // A request for members looks the same as a listing of them.
  for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
    const SetSpec spec{SetName("KUBE-SRC-A"), SetType::kHashIp, Family::kIPv4,
                       500};
    for (const NetlinkMessage& message :
         EncodeMembers(MemberCommand::kAdd, spec,
                       {SetMember::Address(*IpAddress::Parse(address))})) {
      listing.Add(*nlmsg_hdr(message.get()));
    }
  }
  const ObservedSet set = OnlySet(listing);
  EXPECT_EQ(set.spec.max_elements, 500u);
  EXPECT_EQ(set.members.size(), 2u);
  EXPECT_FALSE(set.foreign_content);
}

TEST(SetListingTest, AMemberWithoutAddressIsForeign) {
  SetListing listing(kFamilies);
  NetlinkMessage message = Head("KUBE-SRC-A", "hash:ip");
  nlattr* list = nla_nest_start(message.get(), IPSET_ATTR_ADT | NLA_F_NESTED);
  nlattr* data = nla_nest_start(message.get(), IPSET_ATTR_DATA | NLA_F_NESTED);
  nla_put_u8(message.get(), IPSET_ATTR_CIDR, 24);
  nla_nest_end(message.get(), data);
  nla_nest_end(message.get(), list);
  listing.Add(*nlmsg_hdr(message.get()));
  EXPECT_TRUE(OnlySet(listing).foreign_content);
}

TEST(SetListingTest, ATruncatedAddressIsForeignAndNotReadPastItsEnd) {
  SetListing listing(kFamilies);
  NetlinkMessage message = Head("KUBE-SRC-A", "hash:ip");
  nlattr* list = nla_nest_start(message.get(), IPSET_ATTR_ADT | NLA_F_NESTED);
  nlattr* data = nla_nest_start(message.get(), IPSET_ATTR_DATA | NLA_F_NESTED);
  nlattr* ip = nla_nest_start(message.get(), IPSET_ATTR_IP | NLA_F_NESTED);
  nla_put_u16(message.get(), IPSET_ATTR_IPADDR_IPV4, 10);
  nla_nest_end(message.get(), ip);
  nla_nest_end(message.get(), data);
  nla_nest_end(message.get(), list);
  listing.Add(*nlmsg_hdr(message.get()));
  const ObservedSet set = OnlySet(listing);
  EXPECT_TRUE(set.foreign_content);
  EXPECT_TRUE(set.members.empty());
}

TEST(SetListingTest, AMessageWithoutNameIsPassedOver) {
  SetListing listing(kFamilies);
  listing.Add(*nlmsg_hdr(Reply("").get()));
  EXPECT_TRUE(listing.Take().empty());
}

}  // namespace
}  // namespace netpol
