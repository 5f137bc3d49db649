#include "netpol/dataplane/nft/change_check.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

// One that would end the line.
bool HasLineEnd(absl::string_view text) {
  return text.find_first_of("\n\r") != absl::string_view::npos;
}

absl::Status CheckRule(const Rule& rule, Family family, SetIndex& sets) {
  RETURN_IF_ERROR(EncodeRule(rule, family, sets).status());
  const auto* log = absl::get_if<LogAction>(&rule.action);
  if (HasLineEnd(rule.comment) || (log != nullptr && HasLineEnd(log->prefix))) {
    return absl::InvalidArgumentError(
        absl::StrCat("rule \"", rule.ToString(family), "\" has a line's end"));
  }
  return absl::OkStatus();
}

using ChainsByName = absl::flat_hash_map<std::string, const Chain*>;

// Walks jumps between written chains in depth; a chain that is met again on the
// way down to itself is a loop.
class LoopSearch {
 public:
  explicit LoopSearch(const ChainsByName& chains) : chains_(chains) {}

  // A chain of a loop that can be reached from `start`, or nullptr.
  const Chain* From(const Chain* start);

 private:
  struct Step {
    const Chain* chain;
    size_t next_rule = 0;
  };

  const ChainsByName& chains_;
  absl::flat_hash_set<const Chain*> done_;
};

const Chain* LoopSearch::From(const Chain* start) {
  if (!done_.insert(start).second) return nullptr;
  std::vector<Step> way = {{start}};
  absl::flat_hash_set<const Chain*> on_way = {start};
  while (!way.empty()) {
    Step& step = way.back();
    if (step.next_rule == step.chain->rules.size()) {
      on_way.erase(step.chain);
      way.pop_back();
      continue;
    }
    const ChainName* target = TargetChain(step.chain->rules[step.next_rule++]);
    const auto next =
        target == nullptr ? chains_.end() : chains_.find(target->value());
    if (next == chains_.end()) continue;
    if (on_way.contains(next->second)) return next->second;
    if (!done_.insert(next->second).second) continue;
    on_way.insert(next->second);
    way.push_back({next->second});
  }
  return nullptr;
}

}  // namespace

absl::Status CheckRules(const TableChange& change, SetIndex& sets) {
  for (const Chain& chain : change.write) {
    for (const Rule& rule : chain.rules) {
      const absl::Status status = CheckRule(rule, change.family, sets);
      if (!status.ok())
        return Annotate(status, absl::StrCat("chain ", chain.name.value()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckJumps(const TableChange& change, const KnownChains& known) {
  ChainsByName written;
  for (const Chain& chain : change.write) written[chain.name.value()] = &chain;
  absl::flat_hash_set<std::string> removed;
  for (const ChainName& chain : change.remove) removed.insert(chain.value());
  const auto wrong = [&](const std::string& target) -> absl::string_view {
    if (written.contains(target)) return "";
    if (removed.contains(target)) return "is removed by the same change";
    const KnownChain* chain = known.Find(target);
    if (chain == nullptr) return "does not exist";
    return chain->is_base ? "is a built-in one" : "";
  };
  const std::string table =
      absl::StrCat(" of the ", FamilyName(change.family), " table filter");
  for (const Chain& chain : change.write) {
    for (const Rule& rule : chain.rules) {
      const ChainName* target = TargetChain(rule);
      if (target == nullptr) continue;
      const absl::string_view problem = wrong(target->value());
      if (problem.empty()) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "a rule of chain ", chain.name.value(), table, " leads to chain ",
          target->value(), ", which ", problem));
    }
  }
  LoopSearch search(written);
  for (const Chain& chain : change.write) {
    const Chain* looped = search.From(&chain);
    if (looped == nullptr) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the jumps of chain ", looped->name.value(), table,
                     " make a loop: they lead back to it"));
  }
  return absl::OkStatus();
}

}  // namespace netpol
