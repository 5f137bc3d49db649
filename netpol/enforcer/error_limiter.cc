#include "netpol/enforcer/error_limiter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace netpol {

absl::optional<std::string> ErrorLimiter::Admit(absl::string_view text,
                                                absl::Time now) {
  ++errors_;
  auto [it, is_new] = seen_.try_emplace(std::string(text));
  Seen& seen = it->second;
  if (!is_new && now - seen.logged < interval_) {
    ++seen.held_back;
    return absl::nullopt;
  }
  const int held_back = std::exchange(seen.held_back, 0);
  seen.logged = now;
  if (is_new) Forget(now);
  if (held_back == 0) return std::string(text);
  return absl::StrCat(text, " (and ", held_back, " times before)");
}

int ErrorLimiter::Clear() {
  seen_.clear();
  return std::exchange(errors_, 0);
}

// Texts may hold numbers that differ each time: what was not seen for long is
// not kept, nor for ever what nobody will ask the count of.
void ErrorLimiter::Forget(absl::Time now) {
  for (auto it = seen_.begin(); it != seen_.end();) {
    const absl::Duration keep =
        it->second.held_back == 0 ? interval_ : 60 * interval_;
    const bool old = now - it->second.logged >= keep;
    it = old ? seen_.erase(it) : std::next(it);
  }
}

}  // namespace netpol
