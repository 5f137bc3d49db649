// How it stands with an enforcer, as a message.
#ifndef NETPOL_ENFORCER_STATUS_REPORT_H_
#define NETPOL_ENFORCER_STATUS_REPORT_H_

#include "absl/time/time.h"
#include "netpol/enforcer/enforcer_state.h"
#include "netpol/enforcer/health.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Pure: `now` is the time of `state` and `verdict`. The version is this
// program's.
v1::DaemonStatus StatusOf(const EnforcerState& state,
                          const HealthVerdict& verdict, absl::Time now);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_STATUS_REPORT_H_
