// The daemon's answer to `netpolctl status`.
#ifndef NETPOL_DAEMON_STATUS_SERVICE_H_
#define NETPOL_DAEMON_STATUS_SERVICE_H_

#include <string>

#include "absl/time/time.h"
#include "netpol/enforcer/enforcer_state.h"
#include "netpol/enforcer/health.h"

namespace netpol {

inline constexpr char kStatusRoute[] = "/v1/status";

// A v1.DaemonStatus as JSON, of a state and a verdict of `now`.
std::string AnswerStatus(const EnforcerState& state,
                         const HealthVerdict& verdict, absl::Time now);

}  // namespace netpol

#endif  // NETPOL_DAEMON_STATUS_SERVICE_H_
