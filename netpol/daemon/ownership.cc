#include "netpol/daemon/ownership.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "netpol/compile/layout.h"

namespace netpol {
namespace {

bool IsOneOf(absl::string_view text,
             std::initializer_list<absl::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// Tags of the rules in chains that run policies, not in policies' own.
bool IsDispatchTag(absl::string_view tag) {
  return IsOneOf(tag, {"in", "out"});
}
bool IsJumpTag(absl::string_view tag) { return tag == "policy"; }

struct TaggedName {
  absl::string_view name;
  absl::string_view tag;
};

// "namespace/name tag" or "namespace/name,name tag"; else an empty name.
TaggedName SplitComment(absl::string_view comment) {
  const size_t blank = comment.find(' ');
  if (blank == absl::string_view::npos) return {};
  const absl::string_view name = comment.substr(0, blank);
  const size_t slash = name.find('/');
  if (slash == 0 || slash == absl::string_view::npos ||
      slash + 1 == name.size() ||
      name.find('/', slash + 1) != absl::string_view::npos) {
    return {};
  }
  return {name, comment.substr(blank + 1)};
}

bool IsLayoutChain(const ChainName& chain) {
  return IsOneOf(chain.value(), {kInputChain, kForwardChain, kOutputChain}) ||
         chain == CommonChain() || chain == AllowChain() ||
         chain == TailChain() || chain == EstablishedChain() ||
         chain == FromNodeChain() || chain == RootChain(Direction::kIngress) ||
         chain == RootChain(Direction::kEgress);
}

// Whom the rules of a chain say it belongs to. A pod's chain also runs
// policies, and a dispatch chain leads to pods: what says more wins.
RuleOwners OwnersByRules(const std::vector<Rule>& rules) {
  RuleOwners own, run, reached;
  for (const Rule& rule : rules) {
    const RuleOwners named = OwnersInComment(rule.comment);
    const absl::string_view tag = SplitComment(rule.comment).tag;
    RuleOwners& owners = IsDispatchTag(tag) ? reached
                         : IsJumpTag(tag)   ? run
                                            : own;
    owners.insert(named.begin(), named.end());
  }
  if (!own.empty()) return own;
  return run.empty() ? reached : run;
}

const RuleOwners& Nobody() {
  static const auto* const kNobody = new RuleOwners;
  return *kNobody;
}

bool AllPods(const RuleOwners& owners) {
  return !owners.empty() &&
         std::all_of(owners.begin(), owners.end(), [](const RuleOwner& owner) {
           return owner.kind == RuleOwner::Kind::kPod;
         });
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const RuleOwner& owner) {
  switch (owner.kind) {
    case RuleOwner::Kind::kLayout:
      return os << "layout";
    case RuleOwner::Kind::kPod:
      return os << "pod " << owner.name;
    case RuleOwner::Kind::kPolicy:
      return os << "policy " << owner.name;
  }
  return os;
}

RuleOwners OwnersInComment(absl::string_view comment) {
  const auto [name, tag] = SplitComment(comment);
  RuleOwners owners;
  if (name.empty()) return owners;
  if (IsOneOf(tag, {"in", "out", "itself", "policies", "log-drop", "reject"})) {
    owners.insert({RuleOwner::Kind::kPod, std::string(name)});
  } else if (tag == "policy" || absl::StartsWith(tag, "ingress ") ||
             absl::StartsWith(tag, "egress ")) {
    const size_t after_slash = name.find('/') + 1;
    const absl::string_view prefix = name.substr(0, after_slash);
    for (absl::string_view one :
         absl::StrSplit(name.substr(after_slash), ',')) {
      owners.insert({RuleOwner::Kind::kPolicy, absl::StrCat(prefix, one)});
    }
  }
  return owners;
}

Ownership::Ownership(const Snapshot& snapshot) {
  for (Family family : kFamilies) {
    LearnChains(family, snapshot.table(family));
    LearnDispatch(family, snapshot.table(family));
    LearnSets(family, snapshot.table(family));
  }
}

void Ownership::LearnChains(Family family, const ObservedTable& table) {
  ChainOwners& owners = chains_[static_cast<int>(family)];
  for (const auto& [name, rules] : table.chains) {
    owners[name] =
        IsLayoutChain(name) ? RuleOwners{RuleOwner{}} : OwnersByRules(rules);
  }
  // What names nobody itself, such as the empty chain of a policy that allows
  // nothing, is named by the rules that lead there.
  for (const auto& [name, rules] : table.chains) {
    for (const Rule& rule : rules) {
      const ChainName* target = TargetChain(rule);
      if (target == nullptr) continue;
      const RuleOwners named = OwnersInComment(rule.comment);
      auto it = table.chains.find(*target);
      if (it == table.chains.end() || IsLayoutChain(*target)) continue;
      if (OwnersByRules(it->second).empty())
        owners[*target].insert(named.begin(), named.end());
    }
  }
}

void Ownership::LearnDispatch(Family family, const ObservedTable& table) {
  ChainOwners& owners = chains_[static_cast<int>(family)];
  // Rules between dispatch chains have no comments. Each round climbs a level
  // of the tree, which is no deeper than addresses are long.
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto& [name, rules] : table.chains) {
      if (IsLayoutChain(name)) continue;
      RuleOwners& own = owners[name];
      const size_t before = own.size();
      for (const Rule& rule : rules) {
        const ChainName* target = TargetChain(rule);
        if (target == nullptr || *target == name || !rule.comment.empty())
          continue;
        const RuleOwners& reached = OfChain(family, *target);
        if (AllPods(reached)) own.insert(reached.begin(), reached.end());
      }
      changed = changed || own.size() != before;
    }
  }
}

void Ownership::LearnSets(Family family, const ObservedTable& table) {
  for (const auto& [name, rules] : table.chains) {
    for (const Rule& rule : rules) {
      for (const Match& match : rule.matches) {
        const auto* set = absl::get_if<SetMatch>(&match);
        if (set == nullptr) continue;
        const RuleOwners owners = OfRule(family, name, rule);
        sets_[set->set].insert(owners.begin(), owners.end());
      }
    }
  }
}

const RuleOwners& Ownership::OfChain(Family family,
                                     const ChainName& chain) const {
  const ChainOwners& owners = chains_[static_cast<int>(family)];
  auto it = owners.find(chain);
  return it == owners.end() ? Nobody() : it->second;
}

RuleOwners Ownership::OfRule(Family family, const ChainName& chain,
                             const Rule& rule) const {
  RuleOwners named = OwnersInComment(rule.comment);
  if (!named.empty()) return named;
  if (const ChainName* target = TargetChain(rule)) {
    const RuleOwners& reached = OfChain(family, *target);
    if (AllPods(reached)) return reached;
  }
  return OfChain(family, chain);
}

const RuleOwners& Ownership::OfSet(const SetName& set) const {
  auto it = sets_.find(set);
  return it == sets_.end() ? Nobody() : it->second;
}

}  // namespace netpol
