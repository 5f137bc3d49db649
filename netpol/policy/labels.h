// The labels of one object.
#ifndef NETPOL_POLICY_LABELS_H_
#define NETPOL_POLICY_LABELS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace netpol {

// Keys and values, sorted by key, each key once.
class Labels {
 public:
  using Entry = std::pair<std::string, std::string>;

  Labels() = default;
  // In any order; of a key given twice one stays.
  explicit Labels(std::vector<Entry> entries);

  const std::vector<Entry>& entries() const { return entries_; }

  // The value of `key`, or nullptr.
  const std::string* Find(absl::string_view key) const;

  friend bool operator==(const Labels& a, const Labels& b) {
    return a.entries_ == b.entries_;
  }
  friend bool operator!=(const Labels& a, const Labels& b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H h, const Labels& l) {
    return H::combine(std::move(h), l.entries_);
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace netpol

#endif  // NETPOL_POLICY_LABELS_H_
