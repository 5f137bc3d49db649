// Addresses of API servers and proxies, as people write them.
#ifndef NETPOL_WATCH_KUBE_SERVER_URL_H_
#define NETPOL_WATCH_KUBE_SERVER_URL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// `url` without slashes at its end. InvalidArgument unless it is http or https,
// a host, and at most a port and a path prefix. Errors do not quote it: a
// password may be in it.
absl::StatusOr<std::string> NormalServerUrl(absl::string_view url);

// InvalidArgument unless `url` is a proxy of http, https or socks5; quotes
// nothing of it.
absl::Status CheckProxyUrl(absl::string_view url);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_SERVER_URL_H_
