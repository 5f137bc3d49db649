// One family's table `filter` of a kernel in memory.
#ifndef NETPOL_TESTING_FAKE_FILTER_TABLE_H_
#define NETPOL_TESTING_FAKE_FILTER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/fake_sets.h"

namespace netpol {

// Our chains and the built-in INPUT, FORWARD and OUTPUT, where rules of others
// may stand beside our jumps. Commit() is all or nothing; the calls after
// Observe() are what other programs do behind our back. Thread-compatible.
class FakeFilterTable {
 public:
  // Chains below a built-in one: an iptables-nft jump stack holds 16 levels
  // (EMLINK beyond). The legacy tables would take more.
  static constexpr int kMaxDepth = 15;

  // `sets` must outlive the table and is told which sets its rules use.
  FakeFilterTable(Family family, FakeSets* sets);

  // What Dataplane::CommitTable() means for this family. InvalidArgument for a
  // chain not ours or named twice, a rule that CheckRule() refuses, a set match
  // whose set has another family or number of dimensions (Linux takes some of
  // these, and they never match); NotFound if a rule or hook names a set or
  // chain that is not there; FailedPrecondition if something still refers to a
  // removed chain, chains form a loop or are nested too deeply. A removed chain
  // that only a foreign caller leads to stays, see kept_chains().
  absl::Status Commit(const TableChange& change);

  // Of the last Commit().
  const std::vector<KeptChain>& kept_chains() const { return kept_; }

  // Whether anything was done behind our back since the last Acknowledge().
  bool changed_by_others() const { return touches_ != known_touches_; }
  void Acknowledge() { known_touches_ = touches_; }

  ObservedTable Observe() const;
  Family family() const { return family_; }
  // Commits that were not refused.
  uint64_t commits() const { return commits_; }

  // Writes a chain whatever its rules say, foreign ones too; what they name
  // must exist.
  absl::Status Put(const Chain& chain);
  // `iptables -F chain`.
  void Flush(const ChainName& chain);
  // Every rule that leads to the chain, then the chain.
  void Delete(const ChainName& chain);
  // `iptables -F` and `-X`: no chain, no hook, no rule of anybody is left.
  void Clear();
  // A rule of somebody else in INPUT, FORWARD or OUTPUT; positions from 0.
  void InsertForeignRule(absl::string_view builtin, size_t position);
  // A jump into a chain of ours there; NotFound without the chain.
  absl::Status InsertJump(absl::string_view builtin, const ChainName& chain,
                          size_t position);
  // `iptables -D`: all jumps into our three chains from the built-in ones.
  void RemoveJumps();
  // A jump to `chain` from a chain of somebody else, out of our sight.
  void AddForeignCaller(const ChainName& chain);
  void RemoveForeignCaller(const ChainName& chain);
  // Rules of others in a built-in chain.
  int foreign_rules(absl::string_view builtin) const;

 private:
  using Rules = std::vector<Rule>;
  // Target of each rule; nothing for a rule of somebody else.
  using Builtin = std::vector<absl::optional<ChainName>>;
  // To take a change back.
  struct Undo {
    std::vector<std::pair<ChainName, absl::optional<Rules>>> chains;
    std::map<std::string, Builtin> builtins;
  };

  absl::Status CheckNames(const TableChange& change) const;
  absl::Status CheckSets(const Chain& chain) const;
  absl::Status CheckTargets(const TableChange& change, const Undo& undo) const;
  absl::Status CheckHooks(const TableChange& change) const;
  absl::Status CheckRemoved(const TableChange& change);
  absl::Status CheckDepth(const TableChange& change) const;

  absl::Status Apply(const TableChange& change);
  // Returns the rules that were there.
  absl::optional<Rules> Swap(const ChainName& name,
                             absl::optional<Rules> rules);
  void CountReferences(const ChainName& name, const Rules& rules, int delta);
  void CountCaller(const ChainName& target, const ChainName& caller, int delta);
  void SetBuiltin(const std::string& name, Builtin rules);
  void ApplyHooks(HookChange change);

  // Most chains on a way down from `name`, itself included; -1 for a loop.
  int Below(const ChainName& name,
            absl::flat_hash_map<ChainName, int>& known) const;
  // Most chains of ours above `name`.
  int Above(const ChainName& name,
            absl::flat_hash_map<ChainName, int>& known) const;

  const Family family_;
  FakeSets* const sets_;
  absl::btree_map<ChainName, Rules> chains_;
  std::map<std::string, Builtin> builtins_;
  // Who jumps to a chain, and with how many rules.
  absl::flat_hash_map<ChainName, absl::flat_hash_map<ChainName, int>> callers_;
  std::vector<KeptChain> kept_;
  uint64_t commits_ = 0;
  // Changes of any kind, and how many of these are no news.
  uint64_t touches_ = 0;
  uint64_t known_touches_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_FAKE_FILTER_TABLE_H_
