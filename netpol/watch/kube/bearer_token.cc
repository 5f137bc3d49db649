#include "netpol/watch/kube/bearer_token.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"

namespace netpol {

absl::StatusOr<std::string> TrimmedToken(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return absl::InvalidArgumentError("the token is empty");
  if (!std::all_of(text.begin(), text.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        "the token has blanks or other characters in it that no token has");
  }
  return std::string(text);
}

}  // namespace netpol
