// From the options as a C program gives them to those of the enforcer.
#ifndef NETPOL_CAPI_EMBEDDED_OPTIONS_H_
#define NETPOL_CAPI_EMBEDDED_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/capi/netpol.h"
#include "netpol/enforcer/enforcer.h"

namespace netpol {

// Everything that a netpol_options says, judged; nothing of it is needed any
// more.
struct EmbeddedOptions {
  EnforcerOptions enforcer;
  // Clean up, and enforce nothing.
  bool disabled = false;
  // Lists and watches at an API server; else the host feeds.
  bool watches = false;
  std::string kubeconfig;
  std::string master;
  // Those of the host, as they are.
  void* user = nullptr;
  decltype(netpol_options::log) log = nullptr;
  decltype(netpol_options::health) health = nullptr;
  decltype(netpol_options::first_sync_done) first_sync_done = nullptr;
};

// InvalidArgument names the field.
absl::StatusOr<EmbeddedOptions> ReadEmbeddedOptions(
    const netpol_options* options);

// NETPOL_IPV4 | NETPOL_IPV6, or 0 for IPv4.
absl::StatusOr<std::vector<Family>> ReadFamilies(uint32_t families);

// Milliseconds; 0 for `by_default`.
absl::StatusOr<absl::Duration> ReadMilliseconds(absl::string_view option,
                                                int64_t milliseconds,
                                                absl::Duration by_default);

}  // namespace netpol

#endif  // NETPOL_CAPI_EMBEDDED_OPTIONS_H_
