#include "netpol/daemon/options.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/enforcer/option_values.h"

namespace netpol {
namespace {

std::string Flag(absl::string_view name) { return absl::StrCat("--", name); }

absl::Status BadValue(absl::string_view flag, absl::string_view value,
                      absl::string_view cause) {
  return BadOption(Flag(flag), value, cause);
}

absl::StatusOr<IcmpMode> ParseIcmpMode(absl::string_view value) {
  if (value == "kube-router") return IcmpMode::kKubeRouter;
  if (value == "policy") return IcmpMode::kPolicy;
  return BadValue("icmp", value, "must be kube-router or policy");
}

absl::StatusOr<LayoutOptions> MakeLayout(const Flags& flags) {
  LayoutOptions layout;
  ASSIGN_OR_RETURN(layout.families, EnabledFamilies(flags));
  ASSIGN_OR_RETURN(
      layout.cluster_ip_ranges,
      ReadClusterIpRanges("--service-cluster-ip-range",
                          flags.service_cluster_ip_range, layout.families));
  ASSIGN_OR_RETURN(
      layout.external_ip_ranges,
      ParseIpRanges("service-external-ip-range",
                    flags.service_external_ip_range, layout.families));
  ASSIGN_OR_RETURN(layout.load_balancer_ip_ranges,
                   ParseIpRanges("loadbalancer-ip-range",
                                 flags.loadbalancer_ip_range, layout.families));
  ASSIGN_OR_RETURN(
      layout.node_ports,
      ParsePortRange("service-node-port-range", flags.service_node_port_range));
  ASSIGN_OR_RETURN(layout.allowed_mark,
                   ParseMark("netpol-allow-mark", flags.netpol_allow_mark));
  ASSIGN_OR_RETURN(layout.passed_mark,
                   ParseMark("netpol-pass-mark", flags.netpol_pass_mark));
  if ((layout.allowed_mark & layout.passed_mark) != 0) {
    return BadValue("netpol-pass-mark", flags.netpol_pass_mark,
                    absl::StrCat("shares bits with --netpol-allow-mark \"",
                                 flags.netpol_allow_mark,
                                 "\"; the two must be different bits"));
  }
  ASSIGN_OR_RETURN(layout.icmp, ParseIcmpMode(flags.icmp));
  layout.default_deny = flags.netpol_default_deny;
  return layout;
}

}  // namespace

absl::StatusOr<absl::optional<Flavour>> ParseBackend(absl::string_view value) {
  if (value == "auto") return absl::optional<Flavour>();
  for (Flavour flavour : kFlavours) {
    if (value == FlavourName(flavour)) return absl::optional<Flavour>(flavour);
  }
  return BadValue("iptables-backend", value, "must be auto, legacy or nft");
}

absl::StatusOr<std::vector<Family>> EnabledFamilies(const Flags& flags) {
  std::vector<Family> families;
  if (flags.enable_ipv4) families.push_back(Family::kIPv4);
  if (flags.enable_ipv6) families.push_back(Family::kIPv6);
  if (families.empty()) {
    return absl::InvalidArgumentError(
        "--enable-ipv4 \"false\": IPv6 is not enabled either, so there is "
        "nothing to enforce; add --enable-ipv6");
  }
  return families;
}

absl::StatusOr<PortRange> ParsePortRange(absl::string_view flag,
                                         absl::string_view value) {
  return ReadPortRange(Flag(flag), value);
}

absl::StatusOr<std::vector<IpPrefix>> ParseIpRanges(
    absl::string_view flag, const std::vector<std::string>& values,
    const std::vector<Family>& families) {
  return ReadIpRanges(Flag(flag), values, families);
}

absl::StatusOr<uint32_t> ParseMark(absl::string_view flag,
                                   absl::string_view value) {
  uint32_t mark = 0;
  if (!absl::SimpleHexAtoi(value, &mark) || mark == 0) {
    return BadValue(
        flag, value,
        "not a packet mark; give a hexadecimal number from 0x1 to 0xffffffff");
  }
  return mark;
}

absl::StatusOr<absl::Duration> ParsePositiveDuration(absl::string_view flag,
                                                     absl::string_view value) {
  absl::Duration duration;
  if (!absl::ParseDuration(std::string(value), &duration)) {
    return BadValue(flag, value, "not a duration; give one like 5m0s or 10s");
  }
  if (duration <= absl::ZeroDuration() ||
      duration == absl::InfiniteDuration()) {
    return BadValue(flag, value, "must be longer than nothing and end");
  }
  return duration;
}

namespace {

// Whoever ran kube-router for more than network policies must know.
absl::Status CheckControllers(const Flags& flags) {
  if (!flags.run_firewall) {
    return BadValue("run-firewall", "false",
                    "network policies are all that netpolctl does; to take "
                    "them out of the kernel there is netpolctl cleanup");
  }
  for (const auto& [flag, value] :
       {std::pair<const char*, bool>("run-router", flags.run_router),
        {"run-service-proxy", flags.run_service_proxy}}) {
    if (value) {
      return BadValue(flag, "true",
                      "netpolctl does network policies only; leave that to "
                      "kube-router or others");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DaemonOptions> MakeOptions(
    const Flags& flags, absl::string_view environment_node_name,
    absl::string_view host_name) {
  DaemonOptions options;
  for (absl::string_view name : {absl::string_view(flags.hostname_override),
                                 environment_node_name, host_name}) {
    if (options.controller.node_name.empty())
      options.controller.node_name = std::string(name);
  }
  if (options.controller.node_name.empty()) {
    return absl::InvalidArgumentError(
        "the node's name is not known: NODE_NAME and the host name are empty; "
        "set --hostname-override to the name of the Node object");
  }
  ASSIGN_OR_RETURN(options.controller.layout, MakeLayout(flags));
  ASSIGN_OR_RETURN(options.flavour, ParseBackend(flags.iptables_backend));
  ASSIGN_OR_RETURN(options.sync_period,
                   ParsePositiveDuration("iptables-sync-period",
                                         flags.iptables_sync_period));
  ASSIGN_OR_RETURN(options.lock_timeout,
                   ParsePositiveDuration("iptables-lock-timeout",
                                         flags.iptables_lock_timeout));
  ASSIGN_OR_RETURN(
      options.cache_sync_timeout,
      ParsePositiveDuration("cache-sync-timeout", flags.cache_sync_timeout));
  RETURN_IF_ERROR(CheckControllers(flags));
  return options;
}

absl::StatusOr<DaemonOptions> MakeOptions(const Flags& flags) {
  const char* node_name = getenv("NODE_NAME");
  char host_name[HOST_NAME_MAX + 1] = {};
  if (gethostname(host_name, sizeof(host_name) - 1) != 0) host_name[0] = '\0';
  // The kubelet names its Node likewise.
  return MakeOptions(flags, node_name == nullptr ? "" : node_name,
                     absl::AsciiStrToLower(host_name));
}

}  // namespace netpol
