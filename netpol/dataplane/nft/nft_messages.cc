#include "netpol/dataplane/nft/nft_messages.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_comment.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>

namespace netpol {
namespace {

// libnftnl's NFTNL_UDATA_RULE_COMMENT: type, length, text with its zero byte.
constexpr uint8_t kUserDataComment = 0;

constexpr uint16_t TypeOf(uint16_t command) {
  return NFNL_SUBSYS_NFTABLES << 8 | command;
}

class MessageWriter {
 public:
  MessageWriter(uint16_t type, uint16_t flags, uint32_t sequence,
                const nfgenmsg& head, std::string& bytes)
      : start_(bytes.size()), bytes_(bytes) {
    nlmsghdr header = {};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_seq = sequence;
    Append(&header, sizeof(header));
    Append(&head, sizeof(head));
  }
  ~MessageWriter() {
    const uint32_t length = static_cast<uint32_t>(bytes_.size() - start_);
    std::memcpy(&bytes_[start_ + offsetof(nlmsghdr, nlmsg_len)], &length,
                sizeof(length));
  }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  void PutName(uint16_t attribute, absl::string_view name) {
    if (name.empty()) return;
    Put(attribute, std::string(name).c_str(), name.size() + 1);
  }
  void Put(uint16_t attribute, const void* data, size_t size) {
    const nlattr head = {static_cast<uint16_t>(NLA_HDRLEN + size), attribute};
    Append(&head, sizeof(head));
    Append(data, size);
  }

 private:
  void Append(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.append(NLMSG_ALIGN(size) - size, '\0');
  }

  const size_t start_;
  std::string& bytes_;
};

struct Attributes {
  const nlattr* first = nullptr;
  int bytes = 0;
};

Attributes AttributesOf(const nlmsghdr& message) {
  constexpr int kHead = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nfgenmsg));
  if (message.nlmsg_len < kHead) return {};
  return {reinterpret_cast<const nlattr*>(
              reinterpret_cast<const char*>(&message) + kHead),
          static_cast<int>(message.nlmsg_len) - kHead};
}

Attributes Nested(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const nlattr*>(nla_data(attribute)), nla_len(attribute)};
}

const nlattr* Find(Attributes attributes, int type) {
  if (attributes.first == nullptr) return nullptr;
  return nla_find(attributes.first, attributes.bytes, type);
}

// Up to the first zero byte, or all of it.
absl::string_view Text(const nlattr* attribute) {
  if (attribute == nullptr) return "";
  const auto* text = static_cast<const char*>(nla_data(attribute));
  return {text, strnlen(text, nla_len(attribute))};
}

// The kernel's numbers are in network order.
uint32_t Number32(const nlattr* attribute) {
  uint32_t value = 0;
  if (attribute == nullptr || nla_len(attribute) < int{sizeof(value)}) return 0;
  std::memcpy(&value, nla_data(attribute), sizeof(value));
  return be32toh(value);
}

uint64_t Number64(const nlattr* attribute) {
  uint64_t value = 0;
  if (attribute == nullptr || nla_len(attribute) < int{sizeof(value)}) return 0;
  std::memcpy(&value, nla_data(attribute), sizeof(value));
  return be64toh(value);
}

std::string UserComment(const nlattr* attribute) {
  if (attribute == nullptr) return "";
  const auto* bytes = static_cast<const uint8_t*>(nla_data(attribute));
  const size_t size = nla_len(attribute);
  for (size_t at = 0; at + 2 <= size;) {
    const size_t length = bytes[at + 1];
    if (at + 2 + length > size) break;
    const auto* text = reinterpret_cast<const char*>(bytes + at + 2);
    if (bytes[at] == kUserDataComment)
      return std::string(text, strnlen(text, length));
    at += 2 + length;
  }
  return "";
}

// Reads one expression into `rule`. True if it asks nothing of a packet.
bool DecodeExpression(Attributes expression, NftRule& rule) {
  const absl::string_view name = Text(Find(expression, NFTA_EXPR_NAME));
  const Attributes data = Nested(Find(expression, NFTA_EXPR_DATA));
  if (name == "counter") return true;
  if (name == "match" && Text(Find(data, NFTA_MATCH_NAME)) == "comment") {
    rule.comment = std::string(Text(Find(data, NFTA_MATCH_INFO)));
    return true;
  }
  if (name == "lookup") rule.looks_up = true;
  if (name != "immediate") return false;
  const Attributes verdict =
      Nested(Find(Nested(Find(data, NFTA_IMMEDIATE_DATA)), NFTA_DATA_VERDICT));
  const auto code =
      static_cast<int32_t>(Number32(Find(verdict, NFTA_VERDICT_CODE)));
  // A register that is loaded, or an end that leads nowhere.
  if (code != NFT_JUMP && code != NFT_GOTO) return false;
  rule.target = std::string(Text(Find(verdict, NFTA_VERDICT_CHAIN)));
  rule.go = code == NFT_GOTO;
  return true;
}

}  // namespace

uint8_t NftFamily(Family family) {
  // NFPROTO_… of linux/netfilter.h, whose includes and the C library's clash.
  return family == Family::kIPv4 ? AF_INET : AF_INET6;
}

void AppendRequest(uint16_t command, uint16_t flags, Family family,
                   const NftObject& object, uint32_t sequence,
                   std::string& bytes) {
  MessageWriter message(TypeOf(command), flags, sequence,
                        {NftFamily(family), NFNETLINK_V0, 0}, bytes);
  switch (command) {
    case NFT_MSG_DELTABLE:
      message.PutName(NFTA_TABLE_NAME, object.table);
      break;
    case NFT_MSG_DELCHAIN:
      message.PutName(NFTA_CHAIN_TABLE, object.table);
      message.PutName(NFTA_CHAIN_NAME, object.chain);
      break;
    case NFT_MSG_GETRULE:
    case NFT_MSG_DELRULE:
      message.PutName(NFTA_RULE_TABLE, object.table);
      message.PutName(NFTA_RULE_CHAIN, object.chain);
      if (object.handle != 0) {
        const uint64_t handle = htobe64(object.handle);
        message.Put(NFTA_RULE_HANDLE, &handle, sizeof(handle));
      }
      break;
    default:  // lists everything of the family
      break;
  }
}

void AppendBatchBegin(uint32_t generation, uint32_t sequence,
                      std::string& bytes) {
  MessageWriter message(
      NFNL_MSG_BATCH_BEGIN, 0, sequence,
      {AF_UNSPEC, NFNETLINK_V0, htobe16(NFNL_SUBSYS_NFTABLES)}, bytes);
  if (generation == 0) return;
  const uint32_t wanted = htobe32(generation);
  message.Put(NFNL_BATCH_GENID, &wanted, sizeof(wanted));
}

void AppendBatchEnd(uint32_t sequence, std::string& bytes) {
  MessageWriter message(
      NFNL_MSG_BATCH_END, 0, sequence,
      {AF_UNSPEC, NFNETLINK_V0, htobe16(NFNL_SUBSYS_NFTABLES)}, bytes);
}

int NftCommandOf(const nlmsghdr& message) {
  if (NFNL_SUBSYS_ID(message.nlmsg_type) != NFNL_SUBSYS_NFTABLES) return -1;
  return NFNL_MSG_TYPE(message.nlmsg_type);
}

NftPlace PlaceOf(const nlmsghdr& message) {
  const Attributes attributes = AttributesOf(message);
  if (attributes.first == nullptr) return {};
  NftPlace place;
  place.family = *reinterpret_cast<const uint8_t*>(&message + 1);
  switch (NftCommandOf(message)) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
      place.table = Text(Find(attributes, NFTA_TABLE_NAME));
      break;
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
      place.table = Text(Find(attributes, NFTA_CHAIN_TABLE));
      place.chain = Text(Find(attributes, NFTA_CHAIN_NAME));
      break;
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET:
      place.table = Text(Find(attributes, NFTA_SET_TABLE));
      break;
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
      place.table = Text(Find(attributes, NFTA_RULE_TABLE));
      place.chain = Text(Find(attributes, NFTA_RULE_CHAIN));
      break;
    default:
      break;
  }
  return place;
}

NftChain DecodeChain(const nlmsghdr& message) {
  const Attributes attributes = AttributesOf(message);
  NftChain chain;
  chain.name = std::string(Text(Find(attributes, NFTA_CHAIN_NAME)));
  chain.handle = Number64(Find(attributes, NFTA_CHAIN_HANDLE));
  chain.is_base = Find(attributes, NFTA_CHAIN_HOOK) != nullptr;
  return chain;
}

NftRule DecodeRule(const nlmsghdr& message) {
  const Attributes attributes = AttributesOf(message);
  NftRule rule;
  rule.chain = std::string(Text(Find(attributes, NFTA_RULE_CHAIN)));
  rule.handle = Number64(Find(attributes, NFTA_RULE_HANDLE));
  bool asks_nothing = true;
  const Attributes expressions =
      Nested(Find(attributes, NFTA_RULE_EXPRESSIONS));
  int left = expressions.bytes;
  for (const nlattr* at = expressions.first; at != nullptr && nla_ok(at, left);
       at = nla_next(at, &left)) {
    if (!DecodeExpression(Nested(at), rule)) asks_nothing = false;
  }
  rule.unconditional = asks_nothing && !rule.target.empty();
  if (rule.comment.empty())
    rule.comment = UserComment(Find(attributes, NFTA_RULE_USERDATA));
  return rule;
}

NftGeneration DecodeGeneration(const nlmsghdr& message) {
  const Attributes attributes = AttributesOf(message);
  return {Number32(Find(attributes, NFTA_GEN_ID)),
          Number32(Find(attributes, NFTA_GEN_PROC_PID))};
}

}  // namespace netpol
