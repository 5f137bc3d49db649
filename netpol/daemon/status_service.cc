#include "netpol/daemon/status_service.h"

#include "netpol/enforcer/json_form.h"
#include "netpol/enforcer/status_report.h"

namespace netpol {

std::string AnswerStatus(const EnforcerState& state,
                         const HealthVerdict& verdict, absl::Time now) {
  return WireJsonOf(StatusOf(state, verdict, now));
}

}  // namespace netpol
