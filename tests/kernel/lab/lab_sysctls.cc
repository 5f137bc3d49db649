#include "tests/kernel/lab/lab_sysctls.h"

#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

struct Setting {
  const char* key;
  const char* value;
};

// "default" is what links inherit that are made later.
constexpr Setting kEverywhere[] = {
    {"net/ipv4/conf/all/rp_filter", "0"},
    {"net/ipv4/conf/default/rp_filter", "0"},
    {"net/ipv6/conf/all/disable_ipv6", "0"},
    {"net/ipv6/conf/default/disable_ipv6", "0"},
    {"net/ipv6/conf/default/accept_dad", "0"},
    {"net/ipv6/conf/default/dad_transmits", "0"},
    {"net/ipv6/conf/default/accept_ra", "0"},
    {"net/ipv6/conf/default/addr_gen_mode", "1"},
    // An empty mask limits no type at all, whatever the rates are.
    {"net/ipv4/icmp_ratemask", "0"},
    {"net/ipv4/icmp_ratelimit", "0"},
    {"net/ipv4/icmp_msgs_per_sec", "1000000"},
    {"net/ipv4/icmp_msgs_burst", "1000000"},
    // This mask cannot be empty; type 127 is nobody's.
    {"net/ipv6/icmp/ratemask", "127"},
    {"net/ipv6/icmp/ratelimit", "0"},
};

// Source ports come round again: by then the flow must be forgotten, or the
// packet would not be NEW.
constexpr Setting kRouter[] = {
    {"net/ipv4/ip_forward", "1"},
    {"net/ipv6/conf/all/forwarding", "1"},
    {"net/ipv6/conf/default/forwarding", "1"},
    {"net/netfilter/nf_conntrack_tcp_timeout_syn_sent", "10"},
    {"net/netfilter/nf_conntrack_tcp_timeout_syn_recv", "10"},
    {"net/netfilter/nf_conntrack_udp_timeout", "20"},
    {"net/netfilter/nf_conntrack_icmp_timeout", "10"},
    {"net/netfilter/nf_conntrack_icmpv6_timeout", "10"},
};

absl::Status Apply(const Setting& setting) {
  const absl::Status status = WriteSysctl(setting.key, setting.value);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace

absl::Status ApplyLabSysctls(bool router) {
  for (const Setting& setting : kEverywhere) RETURN_IF_ERROR(Apply(setting));
  if (!router) return absl::OkStatus();
  for (const Setting& setting : kRouter) RETURN_IF_ERROR(Apply(setting));
  return absl::OkStatus();
}

}  // namespace netpol
