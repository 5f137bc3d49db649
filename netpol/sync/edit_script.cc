#include "netpol/sync/edit_script.h"

#include <algorithm>
#include <vector>

namespace netpol {
namespace {

// Comparing n old with m new rules costs n times m; beyond this all are
// replaced.
constexpr size_t kMaxCells = 1 << 16;

struct Middle {
  size_t from_begin, from_end;
  size_t to_begin, to_end;
};

Middle Trim(const std::vector<Rule>& before, const std::vector<Rule>& after) {
  Middle middle{0, before.size(), 0, after.size()};
  while (middle.from_begin < middle.from_end &&
         middle.to_begin < middle.to_end &&
         before[middle.from_begin] == after[middle.to_begin]) {
    ++middle.from_begin;
    ++middle.to_begin;
  }
  while (middle.from_begin < middle.from_end &&
         middle.to_begin < middle.to_end &&
         before[middle.from_end - 1] == after[middle.to_end - 1]) {
    --middle.from_end;
    --middle.to_end;
  }
  return middle;
}

// Pairs of kept rules: the longest common subsequence.
std::vector<Edit> CommonRules(const std::vector<Rule>& before,
                              const std::vector<Rule>& after,
                              const Middle& middle) {
  const size_t rows = middle.from_end - middle.from_begin;
  const size_t columns = middle.to_end - middle.to_begin;
  if (rows == 0 || columns == 0 || rows * columns > kMaxCells) return {};
  std::vector<uint32_t> length((rows + 1) * (columns + 1), 0);
  const auto cell = [&](size_t row, size_t column) -> uint32_t& {
    return length[row * (columns + 1) + column];
  };
  const auto equal = [&](size_t row, size_t column) {
    return before[middle.from_begin + row] == after[middle.to_begin + column];
  };
  for (size_t row = rows; row-- > 0;) {
    for (size_t column = columns; column-- > 0;) {
      cell(row, column) = equal(row, column) ? cell(row + 1, column + 1) + 1
                                             : std::max(cell(row + 1, column),
                                                        cell(row, column + 1));
    }
  }
  std::vector<Edit> kept;
  for (size_t row = 0, column = 0; row < rows && column < columns;) {
    if (equal(row, column)) {
      kept.push_back({Edit::Kind::kKeep, middle.from_begin + row++,
                      middle.to_begin + column++});
    } else if (cell(row + 1, column) >= cell(row, column + 1)) {
      ++row;
    } else {
      ++column;
    }
  }
  return kept;
}

}  // namespace

std::vector<Edit> EditScript(const std::vector<Rule>& before,
                             const std::vector<Rule>& after) {
  const Middle middle = Trim(before, after);
  std::vector<Edit> script;
  size_t from = 0;
  size_t to = 0;
  const auto keep = [&](size_t next_from, size_t next_to) {
    for (; from < next_from; ++from)
      script.push_back({Edit::Kind::kDelete, from, to});
    for (; to < next_to; ++to)
      script.push_back({Edit::Kind::kInsert, from, to});
    if (from < before.size() && to < after.size()) {
      script.push_back({Edit::Kind::kKeep, from++, to++});
    }
  };
  while (from < middle.from_begin) keep(from, to);
  for (const Edit& kept : CommonRules(before, after, middle))
    keep(kept.from, kept.to);
  for (; from < middle.from_end; ++from)
    script.push_back({Edit::Kind::kDelete, from, to});
  for (; to < middle.to_end; ++to)
    script.push_back({Edit::Kind::kInsert, from, to});
  while (from < before.size()) keep(from, to);
  return script;
}

}  // namespace netpol
