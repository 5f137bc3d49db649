#include "netpol/sync/edit_script.h"

#include <algorithm>
#include <vector>

namespace netpol {
namespace {

constexpr size_t kMaxPairs = size_t{1} << 20;

void Replace(size_t from, size_t to, std::vector<Edit>& script) {
  script.insert(script.end(), from, Edit::kDelete);
  script.insert(script.end(), to, Edit::kInsert);
}

// The longest common subsequence by the usual table: `common[i][j]` is its
// length for what follows position i of `from` and j of `to`.
void EditMiddle(absl::Span<const int> from, absl::Span<const int> to,
                std::vector<Edit>& script) {
  const size_t width = to.size() + 1;
  std::vector<uint32_t> common((from.size() + 1) * width, 0);
  for (size_t i = from.size(); i-- > 0;) {
    for (size_t j = to.size(); j-- > 0;) {
      common[i * width + j] = from[i] == to[j]
                                  ? common[(i + 1) * width + j + 1] + 1
                                  : std::max(common[(i + 1) * width + j],
                                             common[i * width + j + 1]);
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i < from.size() && j < to.size()) {
    if (from[i] == to[j]) {
      script.push_back(Edit::kKeep);
      ++i;
      ++j;
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
      script.push_back(Edit::kDelete);
      ++i;
    } else {
      script.push_back(Edit::kInsert);
      ++j;
    }
  }
  Replace(from.size() - i, to.size() - j, script);
}

}  // namespace

std::vector<Edit> EditScript(absl::Span<const int> from,
                             absl::Span<const int> to) {
  const size_t shorter = std::min(from.size(), to.size());
  size_t prefix = 0;
  while (prefix < shorter && from[prefix] == to[prefix]) ++prefix;
  size_t suffix = 0;
  while (suffix < shorter - prefix &&
         from[from.size() - 1 - suffix] == to[to.size() - 1 - suffix]) {
    ++suffix;
  }
  from = from.subspan(prefix, from.size() - prefix - suffix);
  to = to.subspan(prefix, to.size() - prefix - suffix);

  std::vector<Edit> script(prefix, Edit::kKeep);
  if (from.empty() || to.empty() || from.size() > kMaxPairs / to.size()) {
    Replace(from.size(), to.size(), script);
  } else {
    EditMiddle(from, to, script);
  }
  script.insert(script.end(), suffix, Edit::kKeep);
  return script;
}

}  // namespace netpol
