#include "netpol/explain/port_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {

PortSet::PortSet(const std::vector<PortRange>& ranges) {
  std::vector<PortRange> sorted;
  for (PortRange range : ranges) {
    range.first = std::max<uint16_t>(range.first, 1);
    if (range.first <= range.last) sorted.push_back(range);
  }
  std::sort(
      sorted.begin(), sorted.end(),
      [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
  for (const PortRange& range : sorted) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

bool PortSet::Contains(uint16_t port) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const PortRange& r) {
    return r.first <= port && port <= r.last;
  });
}

PortSet PortSet::Complement() const {
  PortSet rest;
  int next = 1;
  for (const PortRange& range : ranges_) {
    if (next < range.first) {
      rest.ranges_.push_back({static_cast<uint16_t>(next),
                              static_cast<uint16_t>(range.first - 1)});
    }
    next = range.last + 1;
  }
  if (next <= 65535) {
    rest.ranges_.push_back({static_cast<uint16_t>(next), 65535});
  }
  return rest;
}

std::string PortSet::ToString() const {
  if (empty()) return "none";
  if (all()) return "all";
  return absl::StrJoin(ranges_, ", ",
                       [](std::string* out, const PortRange& range) {
                         absl::StrAppend(out, range.first);
                         if (range.last != range.first)
                           absl::StrAppend(out, "-", range.last);
                       });
}

PortSet operator|(const PortSet& a, const PortSet& b) {
  std::vector<PortRange> ranges = a.ranges_;
  ranges.insert(ranges.end(), b.ranges_.begin(), b.ranges_.end());
  return PortSet(ranges);
}

PortSet operator&(const PortSet& a, const PortSet& b) {
  return (a.Complement() | b.Complement()).Complement();
}

}  // namespace netpol
