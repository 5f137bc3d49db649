#include "netpol/policy/cidr_union.h"

#include <algorithm>
#include <vector>

#include "absl/numeric/bits.h"
#include "absl/numeric/int128.h"

namespace netpol {
namespace {

// Inclusive.
struct Range {
  absl::uint128 first;
  absl::uint128 last;
};

Range RangeOf(const IpPrefix& prefix) {
  return {prefix.First().bits(), prefix.Last().bits()};
}

// Sorted, and neither overlapping nor touching.
std::vector<Range> Merged(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    // `last + 1` may wrap at the end of the address space, hence the first
    // test.
    if (!merged.empty() && (range.first <= merged.back().last ||
                            range.first == merged.back().last + 1)) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

// What `whole` holds and none of `holes` does; `holes` as from Merged().
std::vector<Range> Without(const Range& whole,
                           const std::vector<Range>& holes) {
  std::vector<Range> left;
  absl::uint128 next = whole.first;
  for (const Range& hole : holes) {
    if (hole.last < next) continue;
    if (hole.first > whole.last) break;
    if (hole.first > next) left.push_back({next, hole.first - 1});
    if (hole.last >= whole.last) return left;
    next = hole.last + 1;
  }
  left.push_back({next, whole.last});
  return left;
}

int TrailingZeros(absl::uint128 value) {
  const uint64_t low = absl::Uint128Low64(value);
  if (low != 0) return absl::countr_zero(low);
  return 64 + absl::countr_zero(absl::Uint128High64(value));
}

void AppendPrefixes(const Range& range, Family family,
                    std::vector<IpPrefix>& prefixes) {
  const int width = AddressBits(family);
  absl::uint128 next = range.first;
  while (true) {
    // The largest block that starts here and does not reach past the end.
    int host_bits = std::min(width, TrailingZeros(next));
    const auto last_of = [&](int bits) {
      return next |
             (PrefixMask(family, width) & ~PrefixMask(family, width - bits));
    };
    while (last_of(host_bits) > range.last) --host_bits;
    prefixes.push_back(IpPrefix::Of({family, next}, width - host_bits));
    if (last_of(host_bits) == range.last) return;
    next = last_of(host_bits) + 1;
  }
}

}  // namespace

std::vector<IpPrefix> UnionOfBlocks(absl::Span<const IpBlock> blocks,
                                    Family family) {
  std::vector<Range> ranges;
  for (const IpBlock& block : blocks) {
    if (block.cidr.family() != family) continue;
    std::vector<Range> holes;
    for (const IpPrefix& except : block.except) {
      if (except.family() == family) holes.push_back(RangeOf(except));
    }
    const std::vector<Range> rest =
        Without(RangeOf(block.cidr), Merged(std::move(holes)));
    ranges.insert(ranges.end(), rest.begin(), rest.end());
  }
  std::vector<IpPrefix> prefixes;
  for (const Range& range : Merged(std::move(ranges)))
    AppendPrefixes(range, family, prefixes);
  return prefixes;
}

}  // namespace netpol
