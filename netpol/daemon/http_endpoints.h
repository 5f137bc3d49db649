// Where the daemon shows its health and its metrics, as kube-router does.
#ifndef NETPOL_DAEMON_HTTP_ENDPOINTS_H_
#define NETPOL_DAEMON_HTTP_ENDPOINTS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/daemon/flags.h"
#include "netpol/daemon/http_listener.h"
#include "netpol/enforcer/health.h"

namespace netpol {

// Without a port there are none of these pages. Port 0 is any that is free;
// addresses as of HttpListener.
struct HttpEndpointOptions {
  std::string health_address;
  absl::optional<int> health_port;
  std::string metrics_address;
  absl::optional<int> metrics_port;
  std::string metrics_path = "/metrics";
};

// What --health-addr, --health-port, --metrics-addr, --metrics-port and
// --metrics-path ask for; port 0 there means none. InvalidArgument quotes the
// flag and its value.
absl::StatusOr<HttpEndpointOptions> MakeHttpEndpointOptions(const Flags& flags);

// What the pages show. Called on threads of the servers, by several at once,
// until the endpoints' end.
struct HttpEndpointSources {
  std::function<HealthVerdict()> health;
  std::function<std::string()> metrics;  // in Prometheus' text form
};

// Answers until its end:
//   /healthz  200 "OK", or 500 "Unhealthy" and the reasons, one a line
//   /readyz   200 "OK", or 503 "Not ready" and the reasons
//   /livez    200 "OK", or 500 "Not alive" and the reasons
// and the metrics at their path. One server does all if addresses and ports are
// the same. Thread-compatible.
class HttpEndpoints {
 public:
  // Unavailable if it cannot listen at one of the places; then at none.
  static absl::StatusOr<std::unique_ptr<HttpEndpoints>> Start(
      const HttpEndpointOptions& options, const HttpEndpointSources& sources);

  // On which it listens.
  absl::optional<int> health_port() const { return PortOf(health_.get()); }
  absl::optional<int> metrics_port() const {
    return one_for_all_ ? health_port() : PortOf(metrics_.get());
  }

 private:
  HttpEndpoints(std::unique_ptr<HttpListener> health,
                std::unique_ptr<HttpListener> metrics, bool one_for_all)
      : health_(std::move(health)),
        metrics_(std::move(metrics)),
        one_for_all_(one_for_all) {}

  static absl::optional<int> PortOf(const HttpListener* listener) {
    if (listener == nullptr) return absl::nullopt;
    return listener->port();
  }

  std::unique_ptr<HttpListener> health_;
  std::unique_ptr<HttpListener> metrics_;
  bool one_for_all_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_HTTP_ENDPOINTS_H_
