#include "netpol/policy/labels.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace netpol {

Labels::Labels(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::sort(entries_.begin(), entries_.end());
  entries_.erase(std::unique(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) {
                               return a.first == b.first;
                             }),
                 entries_.end());
}

const std::string* Labels::Find(absl::string_view key) const {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), key,
                             [](const Entry& entry, absl::string_view k) {
                               return absl::string_view(entry.first) < k;
                             });
  return it != entries_.end() && it->first == key ? &it->second : nullptr;
}

}  // namespace netpol
