// Messages to and from the kernel's nf_tables, in the format of
// linux/netfilter/nf_tables.h and linux/netfilter/nfnetlink.h.
#ifndef NETPOL_DATAPLANE_NFT_NFT_MESSAGES_H_
#define NETPOL_DATAPLANE_NFT_NFT_MESSAGES_H_

#include <linux/netlink.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

struct NftChain {
  std::string name;
  uint64_t handle = 0;
  bool is_base = false;  // hooked into the packet path
};

struct NftRule {
  std::string chain;
  uint64_t handle = 0;
  // Where it jumps or goes; empty for any other end, and for the many ends of a
  // verdict map.
  std::string target;
  bool go = false;
  // Of iptables' comment match (or nft's own comment); empty without one.
  std::string comment;
  // Looks something up in a set of nf_tables: iptables leaves that out when it
  // lists the rule.
  bool looks_up = false;
  // Nothing but a comment, a counter and the way to `target`: a jump without
  // conditions.
  bool unconditional = false;
};

// What a request is about: as much of it as is given.
struct NftObject {
  absl::string_view table;
  absl::string_view chain;
  uint64_t handle = 0;  // of a rule
};

// As nf_tables numbers it.
uint8_t NftFamily(Family family);

// Appends a request `command` (NFT_MSG_…) about `object`, whose attributes are
// those of a table, chain or rule as the command says. Answers carry
// `sequence`.
void AppendRequest(uint16_t command, uint16_t flags, Family family,
                   const NftObject& object, uint32_t sequence,
                   std::string& bytes);

// Appends the head of a transaction, which the kernel refuses if `generation`
// is neither 0 nor its own; the foot.
void AppendBatchBegin(uint32_t generation, uint32_t sequence,
                      std::string& bytes);
void AppendBatchEnd(uint32_t sequence, std::string& bytes);

// NFT_MSG_… of a message of nf_tables, -1 of any other.
int NftCommandOf(const nlmsghdr& message);

// Where a table, chain or rule stands that `message` tells of; empty for what
// it does not say, and for messages about anything else. Points into `message`.
struct NftPlace {
  uint8_t family = 0;
  absl::string_view table;
  absl::string_view chain;
};
NftPlace PlaceOf(const nlmsghdr& message);

// Of NFT_MSG_NEWCHAIN and NFT_MSG_NEWRULE. What a message lacks stays empty.
NftChain DecodeChain(const nlmsghdr& message);
NftRule DecodeRule(const nlmsghdr& message);

// Of NFT_MSG_NEWGEN: the number of the state that a transaction led to, and the
// process that sent it, by the id that it has outside all containers.
struct NftGeneration {
  uint32_t id = 0;
  uint32_t process = 0;
};
NftGeneration DecodeGeneration(const nlmsghdr& message);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_MESSAGES_H_
