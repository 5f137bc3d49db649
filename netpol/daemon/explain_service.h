// The daemon's answer to `netpolctl explain`.
#ifndef NETPOL_DAEMON_EXPLAIN_SERVICE_H_
#define NETPOL_DAEMON_EXPLAIN_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "netpol/enforcer/enforcer.h"

namespace netpol {

inline constexpr char kExplainRoute[] = "/v1/explain";

// `request` is a v1.ExplainRequest, the answer a v1.Explanation without the
// kernel's part, both as JSON. From any thread; waits for the loop. Errors as
// of ExplainByPolicies(); InvalidArgument for what is no request; Unavailable
// while not all objects are known, and when the loop ends.
absl::StatusOr<std::string> AnswerExplain(const std::string& request,
                                          Enforcer& enforcer);

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXPLAIN_SERVICE_H_
