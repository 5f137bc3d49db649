// How to come from one list of rules to another while keeping what is in both.
#ifndef NETPOL_SYNC_EDIT_SCRIPT_H_
#define NETPOL_SYNC_EDIT_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "netpol/rules/rule.h"

namespace netpol {

struct Edit {
  enum class Kind : uint8_t { kKeep, kDelete, kInsert };

  Kind kind = Kind::kKeep;
  size_t from = 0;  // index in the old list (kKeep, kDelete)
  size_t to = 0;    // index in the new list (kKeep, kInsert)
};

// Edits in order; deletions stand before the insertions of the same place.
// Keeps the equal beginning and end and, where the rest is not too long to
// compare, the most rules that can be kept between them.
std::vector<Edit> EditScript(const std::vector<Rule>& before,
                             const std::vector<Rule>& after);

}  // namespace netpol

#endif  // NETPOL_SYNC_EDIT_SCRIPT_H_
