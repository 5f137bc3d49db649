#include "netpol/capi/embedded_options.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/enforcer/option_values.h"

namespace netpol {
namespace {

// Those of the first header.
constexpr size_t kFirstBytes = offsetof(netpol_options, disable_network_policy);
// No interface grows so far: more is no size but garbage.
constexpr size_t kMostBytes = 4096;

absl::Status BadField(absl::string_view field, absl::string_view cause) {
  return absl::InvalidArgumentError(
      absl::StrCat("netpol_options.", field, ": ", cause));
}

// What the host has filled in, the rest zero.
absl::StatusOr<netpol_options> CopyOptions(const netpol_options* options) {
  if (options == nullptr)
    return absl::InvalidArgumentError("the options are NULL");
  const size_t size = options->size;
  if (size < kFirstBytes || size > kMostBytes) {
    return BadField("size", absl::StrCat(size,
                                         " is not the size of one; set it to "
                                         "sizeof(netpol_options)"));
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(options);
  for (size_t i = sizeof(netpol_options); i < size; ++i) {
    if (bytes[i] != 0) {
      return BadField("size", absl::StrCat("byte ", i,
                                           " is of an option that this library "
                                           "does not know; use a newer one, or "
                                           "leave the option 0"));
    }
  }
  // What an older header does not have stays at its default.
  netpol_options copy = {};
  std::memcpy(&copy, options, std::min(size, sizeof(copy)));
  return copy;
}

std::string TextOrEmpty(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

// A comma list, or nothing for NULL and for "".
std::vector<std::string> ListOf(const char* text) {
  if (text == nullptr || *text == '\0') return {};
  return {text};
}

absl::Status ReadRanges(const netpol_options& options, LayoutOptions& layout) {
  // "" asks for none, NULL for the default.
  if (options.cluster_ip_ranges == nullptr ||
      *options.cluster_ip_ranges != '\0') {
    ASSIGN_OR_RETURN(layout.cluster_ip_ranges,
                     ReadClusterIpRanges("netpol_options.cluster_ip_ranges",
                                         ListOf(options.cluster_ip_ranges),
                                         layout.families));
  }
  ASSIGN_OR_RETURN(
      layout.external_ip_ranges,
      ReadIpRanges("netpol_options.external_ip_ranges",
                   ListOf(options.external_ip_ranges), layout.families));
  ASSIGN_OR_RETURN(
      layout.load_balancer_ip_ranges,
      ReadIpRanges("netpol_options.load_balancer_ip_ranges",
                   ListOf(options.load_balancer_ip_ranges), layout.families));
  if (options.node_port_range != nullptr) {
    ASSIGN_OR_RETURN(layout.node_ports,
                     ReadPortRange("netpol_options.node_port_range",
                                   options.node_port_range));
  }
  return absl::OkStatus();
}

absl::Status ReadIcmp(int32_t mode, LayoutOptions& layout) {
  switch (mode) {
    case NETPOL_ICMP_KUBE_ROUTER:
      layout.icmp = IcmpMode::kKubeRouter;
      return absl::OkStatus();
    case NETPOL_ICMP_POLICY:
      layout.icmp = IcmpMode::kPolicy;
      return absl::OkStatus();
  }
  return BadField("icmp", absl::StrCat(mode, " is no NETPOL_ICMP_… value"));
}

absl::Status ReadBackend(int32_t backend, EnforcerOptions& enforcer) {
  switch (backend) {
    case NETPOL_BACKEND_AUTO:
      return absl::OkStatus();
    case NETPOL_BACKEND_LEGACY:
      enforcer.flavour = Flavour::kLegacy;
      return absl::OkStatus();
    case NETPOL_BACKEND_NFT:
      enforcer.flavour = Flavour::kNft;
      return absl::OkStatus();
  }
  return BadField("iptables_backend",
                  absl::StrCat(backend, " is no NETPOL_BACKEND_… value"));
}

absl::Status ReadTimes(const netpol_options& options,
                       EnforcerOptions& enforcer) {
  ASSIGN_OR_RETURN(
      enforcer.pacing.period,
      ReadMilliseconds("netpol_options.sync_period_ms", options.sync_period_ms,
                       enforcer.pacing.period));
  ASSIGN_OR_RETURN(
      enforcer.lock_timeout,
      ReadMilliseconds("netpol_options.lock_timeout_ms",
                       options.lock_timeout_ms, enforcer.lock_timeout));
  ASSIGN_OR_RETURN(
      enforcer.health.waiting,
      ReadMilliseconds("netpol_options.waiting_limit_ms",
                       options.waiting_limit_ms, enforcer.health.waiting));
  return absl::OkStatus();
}

absl::Status ReadSource(const netpol_options& options, EmbeddedOptions& read) {
  if (options.source != NETPOL_SOURCE_HOST &&
      options.source != NETPOL_SOURCE_KUBERNETES) {
    return BadField(
        "source", absl::StrCat(options.source, " is no NETPOL_SOURCE_… value"));
  }
  read.watches = options.source == NETPOL_SOURCE_KUBERNETES;
  read.kubeconfig = TextOrEmpty(options.kubeconfig);
  read.master = TextOrEmpty(options.master);
  if (!read.watches && !(read.kubeconfig.empty() && read.master.empty())) {
    return BadField("source",
                    "kubeconfig or master are set, but they are for "
                    "NETPOL_SOURCE_KUBERNETES only");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EmbeddedOptions> ReadEmbeddedOptions(
    const netpol_options* options) {
  ASSIGN_OR_RETURN(const netpol_options given, CopyOptions(options));
  EmbeddedOptions read;
  ControllerOptions& controller = read.enforcer.controller;
  controller.node_name = TextOrEmpty(given.node_name);
  controller.require_node = given.require_node != 0;
  LayoutOptions& layout = controller.layout;
  ASSIGN_OR_RETURN(layout.families, ReadFamilies(given.families));
  layout.default_deny = given.default_deny != 0;
  RETURN_IF_ERROR(ReadRanges(given, layout));
  if (given.allow_mark != 0) layout.allowed_mark = given.allow_mark;
  if (given.pass_mark != 0) layout.passed_mark = given.pass_mark;
  RETURN_IF_ERROR(ReadIcmp(given.icmp, layout));
  RETURN_IF_ERROR(ReadBackend(given.iptables_backend, read.enforcer));
  RETURN_IF_ERROR(ReadTimes(given, read.enforcer));
  RETURN_IF_ERROR(ReadSource(given, read));
  RETURN_IF_ERROR(
      Annotate(Controller::CheckOptions(controller), "netpol_options"));
  read.disabled = given.disable_network_policy != 0;
  read.user = given.user;
  read.log = given.log;
  read.health = given.health;
  read.first_sync_done = given.first_sync_done;
  return read;
}

absl::StatusOr<std::vector<Family>> ReadFamilies(uint32_t families) {
  if (families == 0) families = NETPOL_IPV4;
  if ((families & ~uint32_t{NETPOL_IPV4 | NETPOL_IPV6}) != 0) {
    return BadOption("families", absl::StrCat(families),
                     "give NETPOL_IPV4, NETPOL_IPV6 or both");
  }
  std::vector<Family> read;
  if ((families & NETPOL_IPV4) != 0) read.push_back(Family::kIPv4);
  if ((families & NETPOL_IPV6) != 0) read.push_back(Family::kIPv6);
  return read;
}

absl::StatusOr<absl::Duration> ReadMilliseconds(absl::string_view option,
                                                int64_t milliseconds,
                                                absl::Duration by_default) {
  if (milliseconds < 0) {
    return BadOption(option, absl::StrCat(milliseconds),
                     "must be longer than nothing");
  }
  return milliseconds == 0 ? by_default : absl::Milliseconds(milliseconds);
}

}  // namespace netpol
