// The texts that options are given as, judged. What flags of netpolctl and
// options of the C library have in common.
#ifndef NETPOL_ENFORCER_OPTION_VALUES_H_
#define NETPOL_ENFORCER_OPTION_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// InvalidArgument that quotes `option`, as whoever gave it knows it, and its
// value. So do the errors of all functions here.
absl::Status BadOption(absl::string_view option, absl::string_view value,
                       absl::string_view cause);

// "30000-32767" or "30000:32767": two numbers from 1 to 65535, the first below
// the second.
absl::StatusOr<PortRange> ReadPortRange(absl::string_view option,
                                        absl::string_view value);

// Blocks of `families`, out of comma lists; their own family must be enabled.
absl::StatusOr<std::vector<IpPrefix>> ReadIpRanges(
    absl::string_view option, const std::vector<std::string>& values,
    const std::vector<Family>& families);

// Likewise where services have their addresses: one or two blocks, as with
// kube-router. Without `values` its 10.96.0.0/12, if IPv4 is enabled.
absl::StatusOr<std::vector<IpPrefix>> ReadClusterIpRanges(
    absl::string_view option, const std::vector<std::string>& values,
    const std::vector<Family>& families);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_OPTION_VALUES_H_
