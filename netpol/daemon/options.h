// From the flags as written to the options of controller, loop and kernel.
#ifndef NETPOL_DAEMON_OPTIONS_H_
#define NETPOL_DAEMON_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/daemon/flags.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/rules/rule.h"

namespace netpol {

// Everything that the flags say, judged.
struct DaemonOptions {
  ControllerOptions controller;
  absl::optional<Flavour> flavour;  // empty: to be found out
  absl::Duration sync_period = absl::Minutes(5);
  absl::Duration lock_timeout = absl::Seconds(10);
  // How long listing may take before health says so.
  absl::Duration cache_sync_timeout = absl::Minutes(1);
};

// What `flags` ask for. `environment_node_name` is NODE_NAME of the
// environment, `host_name` the machine's, in small letters as the kubelet takes
// it; the first of --hostname-override and
// these that is not empty is the node's name. Every error is InvalidArgument
// and quotes the flag and its value.
//
// As in kube-router, a service range must be of an enabled family, and there
// are one or two cluster ranges.
absl::StatusOr<DaemonOptions> MakeOptions(
    const Flags& flags, absl::string_view environment_node_name,
    absl::string_view host_name);

// As above, for the process's own environment and host.
absl::StatusOr<DaemonOptions> MakeOptions(const Flags& flags);

// What --iptables-backend says; empty for auto.
absl::StatusOr<absl::optional<Flavour>> ParseBackend(absl::string_view value);

// The enabled families, in order. InvalidArgument if none is.
absl::StatusOr<std::vector<Family>> EnabledFamilies(const Flags& flags);

// See ReadPortRange(); `flag` without its dashes.
absl::StatusOr<PortRange> ParsePortRange(absl::string_view flag,
                                         absl::string_view value);

// See ReadIpRanges().
absl::StatusOr<std::vector<IpPrefix>> ParseIpRanges(
    absl::string_view flag, const std::vector<std::string>& values,
    const std::vector<Family>& families);

// A hexadecimal number with or without "0x", not 0.
absl::StatusOr<uint32_t> ParseMark(absl::string_view flag,
                                   absl::string_view value);

// A duration as Go writes it ("5m0s"): finite, and longer than nothing.
absl::StatusOr<absl::Duration> ParsePositiveDuration(absl::string_view flag,
                                                     absl::string_view value);

}  // namespace netpol

#endif  // NETPOL_DAEMON_OPTIONS_H_
