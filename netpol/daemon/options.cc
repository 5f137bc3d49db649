#include "netpol/daemon/options.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr absl::string_view kDefaultClusterRange = "10.96.0.0/12";

absl::Status BadValue(absl::string_view flag, absl::string_view value,
                      absl::string_view cause) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " \"", value, "\": ", cause));
}

// Digits only: SimpleAtoi would take blanks and signs.
absl::StatusOr<uint16_t> ParsePort(absl::string_view flag,
                                   absl::string_view value,
                                   absl::string_view which,
                                   absl::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c));
      });
  if (!digits) {
    return BadValue(flag, value,
                    absl::StrCat("\"", text,
                                 "\" is not a port number; give "
                                 "the range as FIRST-LAST, like 30000-32767"));
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number == 0 || number > 65535) {
    return BadValue(
        flag, value,
        absl::StrCat("the ", which, " port is not between 1 and 65535"));
  }
  return static_cast<uint16_t>(number);
}

absl::StatusOr<IcmpMode> ParseIcmpMode(absl::string_view value) {
  if (value == "kube-router") return IcmpMode::kKubeRouter;
  if (value == "policy") return IcmpMode::kPolicy;
  return BadValue("icmp", value, "must be kube-router or policy");
}

absl::Status CheckClusterRanges(const std::vector<std::string>& values,
                                const std::vector<IpPrefix>& ranges) {
  constexpr absl::string_view kFlag = "service-cluster-ip-range";
  std::string all;
  for (const std::string& value : values)
    absl::StrAppend(&all, all.empty() ? "" : ",", value);
  if (ranges.size() > 2) {
    return BadValue(
        kFlag, all,
        absl::StrCat("too many CIDRs (", ranges.size(), "); give one or two"));
  }
  return absl::OkStatus();
}

// The flag's ranges; without the flag the default, where its family is enabled.
absl::StatusOr<std::vector<IpPrefix>> ClusterRanges(
    const Flags& flags, const std::vector<Family>& families) {
  std::vector<std::string> values = flags.service_cluster_ip_range;
  if (values.empty()) {
    if (!flags.enable_ipv4) return std::vector<IpPrefix>();
    values.emplace_back(kDefaultClusterRange);
  }
  ASSIGN_OR_RETURN(std::vector<IpPrefix> ranges,
                   ParseIpRanges("service-cluster-ip-range", values, families));
  RETURN_IF_ERROR(CheckClusterRanges(values, ranges));
  return ranges;
}

absl::StatusOr<LayoutOptions> MakeLayout(const Flags& flags) {
  LayoutOptions layout;
  ASSIGN_OR_RETURN(layout.families, EnabledFamilies(flags));
  ASSIGN_OR_RETURN(layout.cluster_ip_ranges,
                   ClusterRanges(flags, layout.families));
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
  const size_t separator = value.find_first_of("-:");
  if (separator == absl::string_view::npos) {
    return BadValue(flag, value,
                    "not a port range; give FIRST-LAST, like 30000-32767");
  }
  PortRange range;
  ASSIGN_OR_RETURN(range.first,
                   ParsePort(flag, value, "first", value.substr(0, separator)));
  ASSIGN_OR_RETURN(range.last,
                   ParsePort(flag, value, "last", value.substr(separator + 1)));
  if (range.first >= range.last) {
    return BadValue(flag, value, "the first port must be below the last");
  }
  return range;
}

absl::StatusOr<std::vector<IpPrefix>> ParseIpRanges(
    absl::string_view flag, const std::vector<std::string>& values,
    const std::vector<Family>& families) {
  std::vector<IpPrefix> ranges;
  for (const std::string& value : values) {
    for (absl::string_view item : absl::StrSplit(value, ',')) {
      item = absl::StripAsciiWhitespace(item);
      const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(item);
      if (!prefix.ok()) {
        return BadValue(flag, item,
                        absl::StrCat(prefix.status().message(),
                                     "; give CIDRs, like 10.96.0.0/12"));
      }
      const Family family = prefix->family();
      if (std::find(families.begin(), families.end(), family) ==
          families.end()) {
        return BadValue(flag, item,
                        absl::StrCat("an ", FamilyName(family), " CIDR while ",
                                     FamilyName(family), " is disabled; set ",
                                     family == Family::kIPv4 ? "--enable-ipv4"
                                                             : "--enable-ipv6",
                                     " or leave it out"));
      }
      ranges.push_back(*prefix);
    }
  }
  return ranges;
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
  ASSIGN_OR_RETURN(options.sync_period,
                   ParsePositiveDuration("iptables-sync-period",
                                         flags.iptables_sync_period));
  ASSIGN_OR_RETURN(options.lock_timeout,
                   ParsePositiveDuration("iptables-lock-timeout",
                                         flags.iptables_lock_timeout));
  return options;
}

absl::StatusOr<DaemonOptions> MakeOptions(const Flags& flags) {
  const char* node_name = getenv("NODE_NAME");
  char host_name[HOST_NAME_MAX + 1] = {};
  if (gethostname(host_name, sizeof(host_name) - 1) != 0) host_name[0] = '\0';
  return MakeOptions(flags, node_name == nullptr ? "" : node_name, host_name);
}

}  // namespace netpol
