// Tokens as they are fit for a header.
#ifndef NETPOL_WATCH_KUBE_BEARER_TOKEN_H_
#define NETPOL_WATCH_KUBE_BEARER_TOKEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// `text` without the blanks and line ends around it. InvalidArgument, quoting
// nothing of it, if nothing is left, or characters that no header may carry.
absl::StatusOr<std::string> TrimmedToken(absl::string_view text);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_BEARER_TOKEN_H_
