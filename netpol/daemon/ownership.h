// Which pod or policy asked for what stands in the kernel, found from the
// comments of our own rules.
#ifndef NETPOL_DAEMON_OWNERSHIP_H_
#define NETPOL_DAEMON_OWNERSHIP_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// The object that something in the kernel leads back to.
struct RuleOwner {
  enum class Kind : uint8_t { kLayout, kPod, kPolicy };

  Kind kind = Kind::kLayout;
  std::string name;  // "namespace/name"; empty for the layout

  friend bool operator==(const RuleOwner& a, const RuleOwner& b) {
    return a.kind == b.kind && a.name == b.name;
  }
  friend bool operator<(const RuleOwner& a, const RuleOwner& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  }
  friend std::ostream& operator<<(std::ostream& os, const RuleOwner& owner);
};

using RuleOwners = absl::btree_set<RuleOwner>;

// The objects that a rule of ours names in its comment: "web/front log-drop" is
// pod web/front, "web/allow ingress pods" and "web/allow policy" are policy
// web/allow, "web/allow,deny egress any" is policies web/allow and web/deny.
// Nothing for other comments. What was cut to fit the comment stays cut.
RuleOwners OwnersInComment(absl::string_view comment);

// Owners of everything in one snapshot. Immutable.
//
// A chain's owners are those that its own rules name, else those that the rules
// name which lead to it. A rule that names nobody belongs to the owners of the
// chain that it leads to, if those are pods, else to those of its own chain. A
// set belongs to the owners of the rules that use it. Empty: nothing says whose
// it is.
class Ownership {
 public:
  explicit Ownership(const Snapshot& snapshot);

  const RuleOwners& OfChain(Family family, const ChainName& chain) const;
  RuleOwners OfRule(Family family, const ChainName& chain,
                    const Rule& rule) const;
  const RuleOwners& OfSet(const SetName& set) const;

 private:
  using ChainOwners = absl::btree_map<ChainName, RuleOwners>;

  void LearnChains(Family family, const ObservedTable& table);
  void LearnDispatch(Family family, const ObservedTable& table);
  void LearnSets(Family family, const ObservedTable& table);

  ChainOwners chains_[2];  // by Family
  absl::btree_map<SetName, RuleOwners> sets_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_OWNERSHIP_H_
