// Keeps an error that comes back again and again from filling the log.
#ifndef NETPOL_ENFORCER_ERROR_LIMITER_H_
#define NETPOL_ENFORCER_ERROR_LIMITER_H_

#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace netpol {

// Pure: the caller says what time it is. Thread-compatible.
class ErrorLimiter {
 public:
  // At most one line of a text in `interval`.
  explicit ErrorLimiter(absl::Duration interval) : interval_(interval) {}

  // What to log for an error that came at `now`: its text, with a count if it
  // was held back before; nothing if it is to be held back now.
  absl::optional<std::string> Admit(absl::string_view text, absl::Time now);

  // All is well: the next error is logged at once. Returns how many came since
  // the last Clear().
  int Clear();

 private:
  struct Seen {
    absl::Time logged = absl::InfinitePast();
    int held_back = 0;
  };

  void Forget(absl::Time now);

  absl::Duration interval_;
  absl::btree_map<std::string, Seen> seen_;
  int errors_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_ERROR_LIMITER_H_
