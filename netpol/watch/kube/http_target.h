// Where a request goes, read from its URL.
#ifndef NETPOL_WATCH_KUBE_HTTP_TARGET_H_
#define NETPOL_WATCH_KUBE_HTTP_TARGET_H_

#include <string>

#include "absl/status/statusor.h"

namespace netpol {

struct HttpTarget {
  bool https = false;
  bool loopback = false;  // The machine itself: localhost, 127.0.0.0/8, ::1.
  std::string host_port;  // "192.0.2.1:6443", "[2001:db8::1]:6443"
  // What is asked for; with a server name of its own, that stands in place of
  // the host, because it is what the certificate is checked against.
  std::string url;
  // Then, as CURLOPT_CONNECT_TO wants it: where the connection goes in truth.
  // Empty: to the host of `url`.
  std::string connect_to;
};

// `tls_server_name` may be empty. InvalidArgument: no URL with http or https
// and a host, or one with a user name in it.
absl::StatusOr<HttpTarget> ParseHttpTarget(const std::string& url,
                                           const std::string& tls_server_name);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_TARGET_H_
