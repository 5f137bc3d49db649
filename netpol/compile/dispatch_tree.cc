#include "netpol/compile/dispatch_tree.h"

#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace netpol {
namespace {

using Entry = DispatchTargets::value_type;

// Up to this many addresses are a list.
constexpr size_t kListLimit = 8;
// Bits decided on one level; boundaries stay put when addresses come and go.
constexpr int kLevelBits = 4;
// nf_tables nests chains 16 deep (NFT_JUMP_STACK_SIZE,
// linux/netfilter/nf_tables.h), of which the chains around the tree take five.
// Only IPv6 addresses chosen for it would need more levels; the last is a list.
constexpr int kMaxLevels = 8;

class TreeBuilder {
 public:
  explicit TreeBuilder(Direction direction) : direction_(direction) {}

  void Build(Chain chain, absl::Span<const Entry* const> entries,
             int level = 1) {
    const size_t index = chains_.size();
    chains_.push_back(std::move(chain));
    if (entries.size() <= kListLimit || level == kMaxLevels) {
      for (const Entry* entry : entries)
        chains_[index].rules.push_back(ToTarget(*entry));
      return;
    }
    const int length =
        ChildLength(entries.front()->first, entries.back()->first);
    while (!entries.empty()) {
      const IpPrefix prefix = IpPrefix::Of(entries.front()->first, length);
      size_t count = 1;
      while (count < entries.size() && prefix.Contains(entries[count]->first))
        ++count;
      chains_[index].rules.push_back(count == 1 ? ToTarget(*entries.front())
                                                : ToChild(prefix));
      if (count > 1) {
        Build(Chain{DispatchChain(direction_, prefix), {}},
              entries.subspan(0, count), level + 1);
      }
      entries.remove_prefix(count);
    }
  }

  std::vector<Chain> Take() { return std::move(chains_); }

 private:
  // The length of the prefixes that tell the addresses apart one level further
  // down.
  static int ChildLength(const IpAddress& first, const IpAddress& last) {
    int common = 0;
    while (IpPrefix::Of(first, common + 1).Contains(last)) ++common;
    return common / kLevelBits * kLevelBits + kLevelBits;
  }

  Rule GoTo(const IpPrefix& prefix, const ChainName& chain) const {
    Rule rule;
    (direction_ == Direction::kIngress ? rule.destination : rule.source) =
        prefix;
    rule.action = GotoAction{chain};
    return rule;
  }

  Rule ToTarget(const Entry& entry) const {
    Rule rule = GoTo(IpPrefix::Host(entry.first), entry.second.chain);
    rule.comment = entry.second.comment;
    return rule;
  }

  Rule ToChild(const IpPrefix& prefix) const {
    return GoTo(prefix, DispatchChain(direction_, prefix));
  }

  Direction direction_;
  std::vector<Chain> chains_;
};

}  // namespace

std::vector<Chain> BuildDispatchTree(Direction direction,
                                     std::vector<Rule> head,
                                     const DispatchTargets& targets) {
  std::vector<const Entry*> entries;
  entries.reserve(targets.size());
  for (const Entry& entry : targets) entries.push_back(&entry);
  TreeBuilder builder(direction);
  builder.Build(Chain{RootChain(direction), std::move(head)}, entries);
  return builder.Take();
}

}  // namespace netpol
