#include "netpol/dataplane/legacy/entry_codec.h"

#include <linux/in.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataplane/legacy/rule_corpus.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class EntryCodecTest : public testing::TestWithParam<Family> {
 protected:
  EntryParts Encoded(const Rule& rule) {
    absl::StatusOr<EntryParts> parts = EncodeRule(rule, GetParam(), sets_);
    EXPECT_TRUE(parts.ok()) << parts.status();
    return parts.ok() ? *parts : EntryParts();
  }
  Rule Decoded(const EntryParts& parts) {
    return DecodeRule(parts, GetParam(), sets_);
  }
  absl::Status EncodeError(const Rule& rule) {
    return EncodeRule(rule, GetParam(), sets_).status();
  }
  // A rule with all that can be spoilt.
  Rule Rich() {
    Rule rule = PlainRule("rich", JumpAction{ChainName("KUBE-NWPLCY-X")});
    rule.protocol = IPPROTO_TCP;
    rule.matches = {PortsMatch{{{80, 80}, {90, 99}}},
                    CtStateMatch{CtStateMatch::kNew}, LimitMatch{}};
    return rule;
  }

  SetIndex sets_;
};

TEST_P(EntryCodecTest, DecodesWhatItEncoded) {
  for (const Rule& rule : RulesWithoutNames(GetParam()))
    EXPECT_EQ(Decoded(Encoded(rule)), rule) << rule.ToString(GetParam());
}

TEST_P(EntryCodecTest, KeepsJumpsAndGotosApart) {
  const ChainName chain("KUBE-NWPLCY-ABCDEFGHIJKLMNOP");
  const Rule jump = PlainRule("j", JumpAction{chain});
  const Rule go = PlainRule("j", GotoAction{chain});
  EXPECT_EQ(Decoded(Encoded(jump)), jump);
  EXPECT_EQ(Decoded(Encoded(go)), go);
  EXPECT_NE(Encoded(jump), Encoded(go));
}

TEST_P(EntryCodecTest, SurvivesTheKernelsForm) {
  for (const Rule& rule : RulesWithoutNames(GetParam())) {
    EntryParts parts = Encoded(rule);
    std::string entry = Assemble(GetParam(), parts, {3, 4});
    if (parts.verdict) {
      // In the kernel a verdict has no name, only a number.
      xt_entry_target* target = reinterpret_cast<xt_entry_target*>(
          &entry[entry.size() - XT_ALIGN(sizeof(xt_standard_target))]);
      std::memset(target->u.user.name, 0, sizeof(target->u.user.name));
    }
    absl::StatusOr<EntryParts> again =
        Dissect(GetParam(), entry.data(), parts.target.name);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, parts) << rule.ToString(GetParam());
    EXPECT_EQ(CountersOf(GetParam(), entry.data()).packets, 3u);
    EXPECT_EQ(CountersOf(GetParam(), entry.data()).bytes, 4u);
  }
}

TEST_P(EntryCodecTest, IgnoresWhatTheKernelKeepsInALimit) {
  Rule rule;
  rule.matches = {LimitMatch{}};
  rule.action = RejectAction{};
  const EntryParts parts = Encoded(rule);
  EntryParts running = parts;
  std::memset(&running.matches[0].data[offsetof(xt_rateinfo, prev)], 0x5a, 8);
  const std::string entry = Assemble(GetParam(), running);
  absl::StatusOr<EntryParts> seen = Dissect(GetParam(), entry.data(), "REJECT");
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(*seen, parts);
}

TEST_P(EntryCodecTest, IgnoresBytesAfterANamesEnd) {
  const EntryParts parts = Encoded(PlainRule("c", RejectAction{}));
  std::string entry = Assemble(GetParam(), parts);
  const size_t name = entry.find("comment");
  ASSERT_NE(name, std::string::npos);
  entry[name + sizeof("comment")] = 'z';
  absl::StatusOr<EntryParts> seen = Dissect(GetParam(), entry.data(), "REJECT");
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(*seen, parts);
}

TEST_P(EntryCodecTest, RefusesAnEntryThatContradictsItself) {
  std::string entry = Assemble(GetParam(), Encoded(PlainRule("c", {})));
  // A match that claims to be longer than the entry.
  const size_t match = entry.find("comment") - sizeof(uint16_t);
  entry[match + 1] = 0x7f;
  EXPECT_EQ(Dissect(GetParam(), entry.data(), "RETURN").status().code(),
            absl::StatusCode::kInternal);
}

TEST_P(EntryCodecTest, EveryChangedByteOfAHeaderIsSeen) {
  const Rule rule = Rich();
  const EntryParts parts = Encoded(rule);
  for (size_t i = 0; i < parts.header.size(); ++i) {
    EntryParts changed = parts;
    changed.header[i] ^= 0x40;
    EXPECT_NE(Decoded(changed), rule) << "byte " << i;
  }
}

TEST_P(EntryCodecTest, EveryChangedByteOfAnExtensionIsSeen) {
  const Rule rule = Rich();
  const EntryParts parts = Encoded(rule);
  for (size_t m = 0; m < parts.matches.size(); ++m) {
    for (size_t i = 0; i < parts.matches[m].data.size(); ++i) {
      EntryParts changed = parts;
      changed.matches[m].data[i] ^= 0x41;
      EXPECT_NE(Decoded(changed), rule)
          << parts.matches[m].name << " byte " << i;
    }
  }
}

TEST_P(EntryCodecTest, NamesAForeignMatch) {
  EntryParts parts = Encoded(Rich());
  parts.matches.insert(parts.matches.end() - 1,
                       {"owner", 1, std::string(16, '\0')});
  const Rule rule = Decoded(parts);
  EXPECT_EQ(rule.foreign, "match owner revision 1");
  // Where it leads is known all the same.
  ASSERT_NE(TargetChain(rule), nullptr);
  EXPECT_EQ(TargetChain(rule)->value(), "KUBE-NWPLCY-X");
}

TEST_P(EntryCodecTest, NamesAnotherRevision) {
  EntryParts parts = Encoded(Rich());
  parts.matches[1].revision = 2;
  EXPECT_EQ(Decoded(parts).foreign, "match conntrack revision 2");
}

TEST_P(EntryCodecTest, NamesAForeignTarget) {
  EntryParts parts = Encoded(PlainRule("x", RejectAction{}));
  parts.target.name = "TARPIT";
  EXPECT_EQ(Decoded(parts).foreign, "target TARPIT revision 0");
  parts.target = {};
  parts.verdict = true;
  EXPECT_EQ(Decoded(parts).foreign, "no target");
  parts.target.name = "QUEUE";
  EXPECT_EQ(Decoded(parts).foreign, "target QUEUE");
}

TEST_P(EntryCodecTest, ASecondCommentIsForeign) {
  EntryParts parts = Encoded(Rich());
  const Extension comment = parts.matches.back();
  for (size_t place = 0; place <= parts.matches.size(); ++place) {
    EntryParts twice = parts;
    twice.matches.insert(twice.matches.begin() + place, comment);
    EXPECT_FALSE(Decoded(twice).foreign.empty()) << place;
  }
}

TEST_P(EntryCodecTest, ACommentInAnotherPlaceIsForeign) {
  const Rule rule = Rich();
  const EntryParts parts = Encoded(rule);
  ASSERT_EQ(parts.matches.size(), 4u);
  EXPECT_EQ(parts.matches.back().name, "comment");
  for (size_t place = 0; place + 1 < parts.matches.size(); ++place) {
    EntryParts moved = parts;
    moved.matches.pop_back();
    moved.matches.insert(moved.matches.begin() + place, parts.matches.back());
    EXPECT_NE(Decoded(moved), rule) << place;
    EXPECT_FALSE(Decoded(moved).foreign.empty()) << place;
  }
  // First, as older layouts have it, it is told all the same, and so is the
  // rest.
  EntryParts first = parts;
  first.matches.pop_back();
  first.matches.insert(first.matches.begin(), parts.matches.back());
  Rule known = Decoded(first);
  EXPECT_EQ(known.foreign, "other options of match comment");
  known.foreign.clear();
  EXPECT_EQ(known, rule);
  // Alone it is both first and last.
  const Rule alone = PlainRule("alone", AcceptAction{});
  EXPECT_EQ(Decoded(Encoded(alone)), alone);
}

TEST_P(EntryCodecTest, NamesAnInterface) {
  EntryParts parts = Encoded(Rich());
  const size_t mask = GetParam() == Family::kIPv4
                          ? offsetof(ipt_ip, iniface_mask)
                          : offsetof(ip6t_ip6, iniface_mask);
  parts.header[mask] = '\xff';
  EXPECT_EQ(Decoded(parts).foreign, "interface name");
}

TEST_P(EntryCodecTest, APrefixOfLengthZeroIsNoCondition) {
  Rule rule = PlainRule("any", DropAction{});
  const EntryParts without = Encoded(rule);
  rule.source = IpPrefix::Of(IpAddress{GetParam(), 0}, 0);
  EXPECT_EQ(Encoded(rule), without);
}

TEST_P(EntryCodecTest, RefusesWhatWouldMatchEverything) {
  Rule rule = PlainRule("bad", AcceptAction{});
  rule.protocol = 0;
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
  rule.protocol.reset();
  rule.matches = {PortsMatch{{{80, 80}}}};
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
  rule.protocol = IPPROTO_TCP;
  rule.matches = {PortsMatch{}};
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
  rule.matches = {CtStateMatch{}};
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
  rule.protocol.reset();
  rule.matches = {IcmpTypeMatch{8}};
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(EntryCodecTest, RefusesWhatTheKernelHasNoRoomFor) {
  Rule rule;
  rule.protocol = IPPROTO_TCP;
  rule.matches = {PortsMatch{std::vector<PortRange>(8, {1, 2})}};
  EXPECT_THAT(std::string(EncodeError(rule).message()),
              HasSubstr("needs 16 slots"));
  EXPECT_EQ(EncodeError(PlainRule(std::string(256, 'x'), {})).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      EncodeError(PlainRule("", LogAction{1, std::string(64, 'x')})).code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_P(EntryCodecTest, RefusesARateThatTheKernelWouldRound) {
  Rule rule = PlainRule("", DropAction{});
  for (const uint32_t per_minute : {0u, 7000u, 600001u}) {
    rule.matches = {LimitMatch{per_minute, 1}};
    EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
  }
  for (uint32_t per_minute = 1; per_minute < 700; ++per_minute) {
    rule.matches = {LimitMatch{per_minute, 1}};
    EXPECT_EQ(Decoded(Encoded(rule)), rule);
  }
}

TEST_P(EntryCodecTest, RefusesTheOtherFamilysAddress) {
  Rule rule = PlainRule("", DropAction{});
  rule.source =
      *IpPrefix::Parse(GetParam() == Family::kIPv4 ? "fd00::/8" : "10.0.0.0/8");
  EXPECT_THAT(std::string(EncodeError(rule).message()), HasSubstr("is no IPv"));
}

TEST_P(EntryCodecTest, RefusesAForeignRule) {
  Rule rule = PlainRule("", DropAction{});
  rule.foreign = "match owner";
  EXPECT_EQ(EncodeError(rule).code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Families, EntryCodecTest, testing::ValuesIn(kFamilies),
                         [](const auto& info) {
                           return std::string(FamilyName(info.param));
                         });

}  // namespace
}  // namespace netpol
