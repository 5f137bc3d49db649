#include "netpol/policy/labels.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace netpol {

Labels::Labels(std::vector<Entry> entries) {
  // A file may hold what no API server takes; a zero byte would end the part.
  for (auto& [key, value] : entries) {
    for (std::string* part : {&key, &value})
      part->erase(std::remove(part->begin(), part->end(), '\0'), part->end());
  }
  std::sort(entries.begin(), entries.end());
  std::string text;
  const std::string* last = nullptr;
  for (const auto& [key, value] : entries) {
    if (last != nullptr && *last == key) continue;
    last = &key;
    for (const std::string* part : {&key, &value}) {
      text.append(*part);
      text.push_back('\0');
    }
  }
  text.shrink_to_fit();
  text_ = SharedValue<std::string>(std::move(text));
}

absl::string_view Labels::CutPart(absl::string_view& rest) {
  const size_t end = rest.find('\0');
  const absl::string_view part = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return part;
}

std::vector<Labels::Entry> Labels::entries() const {
  std::vector<Entry> entries;
  ForEach([&](absl::string_view key, absl::string_view value) {
    entries.emplace_back(key, value);
  });
  return entries;
}

absl::optional<absl::string_view> Labels::Find(absl::string_view key) const {
  for (absl::string_view rest = *text_; !rest.empty();) {
    const absl::string_view candidate = CutPart(rest);
    const absl::string_view value = CutPart(rest);
    if (candidate == key) return value;
    if (candidate > key) break;
  }
  return absl::nullopt;
}

}  // namespace netpol
