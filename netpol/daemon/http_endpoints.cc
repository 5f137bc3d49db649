#include "netpol/daemon/http_endpoints.h"

#include <algorithm>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

using Pages = absl::btree_map<std::string, HttpPageMaker>;

constexpr absl::string_view kHealthPath = "/healthz";
constexpr absl::string_view kReadyPath = "/readyz";
constexpr absl::string_view kAlivePath = "/livez";
// kube-router's answers begin so, and some probes compare.
constexpr absl::string_view kGood = "OK";

HttpPage PageOf(const HealthVerdict& verdict, bool good,
                absl::string_view otherwise, int status) {
  HttpPage page;
  if (good) {
    page.body = absl::StrCat(kGood, "\n");
    return page;
  }
  page.status = status;
  page.body = absl::StrCat(otherwise, "\n");
  for (std::string line : verdict.reasons) {
    // On one line each, whatever an error message holds.
    std::replace_if(
        line.begin(), line.end(),
        [](char c) {
          return absl::ascii_iscntrl(static_cast<unsigned char>(c));
        },
        ' ');
    absl::StrAppend(&page.body, line, "\n");
  }
  return page;
}

void AddHealth(const std::function<HealthVerdict()>& health, Pages& pages) {
  pages[std::string(kHealthPath)] = [health] {
    const HealthVerdict verdict = health();
    return PageOf(verdict, verdict.healthy, "Unhealthy", 500);
  };
  pages[std::string(kReadyPath)] = [health] {
    const HealthVerdict verdict = health();
    return PageOf(verdict, verdict.ready, "Not ready", 503);
  };
  pages[std::string(kAlivePath)] = [health] {
    const HealthVerdict verdict = health();
    return PageOf(verdict, verdict.alive, "Not alive", 500);
  };
}

void AddMetrics(const std::string& path,
                const std::function<std::string()>& metrics, Pages& pages) {
  pages[path] = [metrics] {
    HttpPage page;
    page.content_type = "text/plain; version=0.0.4; charset=utf-8";
    page.body = metrics();
    return page;
  };
}

absl::StatusOr<absl::optional<int>> PortOf(absl::string_view flag, int port) {
  if (port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", flag, " \"", port,
        "\": not a port; give one from 1 to 65535, or 0 for none"));
  }
  absl::optional<int> wanted;
  if (port != 0) wanted = port;
  return wanted;
}

absl::Status CheckPath(const std::string& path) {
  const bool usable =
      absl::StartsWith(path, "/") &&
      std::none_of(path.begin(), path.end(), [](char c) {
        return !absl::ascii_isgraph(static_cast<unsigned char>(c)) ||
               c == '?' || c == '#' || c == '%';
      });
  if (!usable) {
    return absl::InvalidArgumentError(
        absl::StrCat("--metrics-path \"", path,
                     "\": not a path; give one like /metrics, without escapes "
                     "or a query"));
  }
  if (path == kHealthPath || path == kReadyPath || path == kAlivePath) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--metrics-path \"", path, "\": that page tells the health"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpEndpointOptions> MakeHttpEndpointOptions(
    const Flags& flags) {
  HttpEndpointOptions options;
  options.health_address = flags.health_addr;
  options.metrics_address = flags.metrics_addr;
  options.metrics_path = flags.metrics_path;
  ASSIGN_OR_RETURN(options.health_port,
                   PortOf("health-port", flags.health_port));
  ASSIGN_OR_RETURN(options.metrics_port,
                   PortOf("metrics-port", flags.metrics_port));
  RETURN_IF_ERROR(CheckPath(flags.metrics_path));
  return options;
}

absl::StatusOr<std::unique_ptr<HttpEndpoints>> HttpEndpoints::Start(
    const HttpEndpointOptions& options, const HttpEndpointSources& sources) {
  const bool one_for_all = options.health_port.has_value() &&
                           options.metrics_port == options.health_port &&
                           options.metrics_address == options.health_address;
  std::unique_ptr<HttpListener> health, metrics;
  if (options.health_port.has_value()) {
    Pages pages;
    AddHealth(sources.health, pages);
    if (one_for_all) AddMetrics(options.metrics_path, sources.metrics, pages);
    ASSIGN_OR_RETURN(health, HttpListener::Start(options.health_address,
                                                 *options.health_port, pages));
  }
  if (options.metrics_port.has_value() && !one_for_all) {
    Pages pages;
    AddMetrics(options.metrics_path, sources.metrics, pages);
    ASSIGN_OR_RETURN(metrics,
                     HttpListener::Start(options.metrics_address,
                                         *options.metrics_port, pages));
  }
  return absl::WrapUnique(
      new HttpEndpoints(std::move(health), std::move(metrics), one_for_all));
}

}  // namespace netpol
