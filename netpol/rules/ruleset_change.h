// What is to change of the sets and chains that should exist: a value, told by
// whoever decides, applied by the sync engine.
#ifndef NETPOL_RULES_RULESET_CHANGE_H_
#define NETPOL_RULES_RULESET_CHANGE_H_

#include <cstdint>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/set.h"

namespace netpol {

// What one more member does to the packets.
enum class SetEffect : uint8_t {
  // Rules allow by it: members are added before the rules change and removed
  // after.
  kAllows,
  // It says which packets are judged at all: added after, removed before.
  kJudges,
  // Rules refuse by it what is not judged: added when everything else is in
  // place, the sets that judge too, and removed after.
  kRefuses,
};

// A set that should exist, with its whole content.
struct SetContent {
  SetName name;
  SetType type = SetType::kHashIp;
  Family family = Family::kIPv4;
  SetEffect effect = SetEffect::kAllows;
  std::vector<SetMember> members;
};

struct MemberChange {
  SetName set;
  SetMember member;
  bool present = false;
};

// Applied in the order of the fields; within `members` the later of two counts.
struct RulesetChange {
  std::vector<SetContent> sets;
  std::vector<SetName> gone_sets;
  std::vector<MemberChange> members;

  struct Table {
    std::vector<Chain> chains;
    std::vector<ChainName> gone_chains;
  };
  Table tables[2];  // by Family

  Table& table(Family family) { return tables[static_cast<int>(family)]; }
};

}  // namespace netpol

#endif  // NETPOL_RULES_RULESET_CHANGE_H_
