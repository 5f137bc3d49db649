// The shortest way from one sequence to another.
#ifndef NETPOL_SYNC_EDIT_SCRIPT_H_
#define NETPOL_SYNC_EDIT_SCRIPT_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace netpol {

enum class Edit : uint8_t {
  kKeep,    // the next of `from` is the next of `to`
  kDelete,  // drop the next of `from`
  kInsert,  // put the next of `to` here
};

// Walks `from` and `to` together; equal numbers are equal elements. Keeps as
// many elements as possible, except that a differing middle of more than
// a million pairs is replaced whole.
std::vector<Edit> EditScript(absl::Span<const int> from,
                             absl::Span<const int> to);

}  // namespace netpol

#endif  // NETPOL_SYNC_EDIT_SCRIPT_H_
