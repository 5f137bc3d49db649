// The labels of one object.
#ifndef NETPOL_POLICY_LABELS_H_
#define NETPOL_POLICY_LABELS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/base/shared_value.h"

namespace netpol {

// Keys and values, sorted by key, each key once. Kept as one piece of text,
// since there are as many as objects, and copied by reference.
class Labels {
 public:
  using Entry = std::pair<std::string, std::string>;

  Labels() = default;
  // In any order; of a key given twice one stays.
  explicit Labels(std::vector<Entry> entries);

  std::vector<Entry> entries() const;

  // Calls `f(key, value)` in order of the keys.
  template <typename F>
  void ForEach(F f) const {
    for (absl::string_view rest = *text_; !rest.empty();) {
      const absl::string_view key = CutPart(rest);
      f(key, CutPart(rest));
    }
  }

  // The value of `key`, if there is one. Lives as long as the labels.
  absl::optional<absl::string_view> Find(absl::string_view key) const;

  // Keeps the text together with equal ones.
  void ShareIn(SharedPool<std::string>& pool) { text_ = pool.Share(text_); }

  friend bool operator==(const Labels& a, const Labels& b) {
    return a.text_ == b.text_;
  }
  friend bool operator!=(const Labels& a, const Labels& b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H h, const Labels& l) {
    return H::combine(std::move(h), l.text_);
  }

 private:
  // Takes the part up to the next zero byte off `rest`.
  static absl::string_view CutPart(absl::string_view& rest);

  // Key, zero byte, value, zero byte, and so on: neither holds a zero byte.
  SharedValue<std::string> text_;
};

}  // namespace netpol

#endif  // NETPOL_POLICY_LABELS_H_
