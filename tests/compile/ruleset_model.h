// What a compiler has told so far, added up.
#ifndef NETPOL_TESTS_COMPILE_RULESET_MODEL_H_
#define NETPOL_TESTS_COMPILE_RULESET_MODEL_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"

namespace netpol {

// Plain maps, changed in the order that RulesetChange prescribes.
// Thread-compatible.
class RulesetModel {
 public:
  struct Set {
    SetType type = SetType::kHashIp;
    SetEffect effect = SetEffect::kAllows;
    std::set<SetMember> members;
  };
  using Chains = std::map<ChainName, std::vector<Rule>>;

  void Apply(const RulesetChange& change);

  const std::map<SetName, Set>& sets() const { return sets_; }
  const Chains& chains(Family family) const {
    return chains_[static_cast<int>(family)];
  }

  // Members as text, sorted; nothing for a set that is not there.
  std::vector<std::string> Members(const SetName& name) const;
  // Rules as text; nothing for a chain that is not there.
  std::vector<std::string> Rules(Family family, const ChainName& name) const;

  // The chains that a packet can come to from `chain`, itself included.
  std::set<ChainName> Reachable(Family family, const ChainName& chain) const;

  // Everything, in order of the names.
  std::string ToString() const;

  // Empty, or what is wrong: a rule that names what is not there, a set or
  // chain that nothing uses.
  std::string Flaws() const;

 private:
  std::map<SetName, Set> sets_;
  Chains chains_[2];
};

// `change` as text, in its own order.
std::string Describe(const RulesetChange& change);

}  // namespace netpol

#endif  // NETPOL_TESTS_COMPILE_RULESET_MODEL_H_
