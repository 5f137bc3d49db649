// Values in the query of a URL.
#ifndef NETPOL_WATCH_KUBE_URL_QUERY_H_
#define NETPOL_WATCH_KUBE_URL_QUERY_H_

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace netpol {

// Everything but what RFC 3986 (2.3) calls unreserved, as percent signs.
inline std::string EscapeQuery(absl::string_view value) {
  std::string escaped;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' ||
        c == '~') {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", byte);
    }
  }
  return escaped;
}

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_URL_QUERY_H_
