// How all requests of one HttpClient reach their server.
#ifndef NETPOL_WATCH_KUBE_HTTP_CLIENT_OPTIONS_H_
#define NETPOL_WATCH_KUBE_HTTP_CLIENT_OPTIONS_H_

#include <string>

#include "absl/time/time.h"

namespace netpol {

struct HttpClientOptions {
  std::string user_agent;  // Not like curl's or a browser's.
  // Empty: as the environment says, and none for a loopback address.
  std::string proxy_url;
  bool no_proxy = false;        // None, whatever the environment says.
  std::string tls_server_name;  // Empty: the host of the URL.
  bool insecure_skip_tls_verify = false;
  bool http1_only = false;
  absl::Duration connect_timeout = absl::Seconds(30);  // TLS included.
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_CLIENT_OPTIONS_H_
