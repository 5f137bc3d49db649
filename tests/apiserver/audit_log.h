// What an API server was asked for, by its own account.
#ifndef NETPOL_TESTS_APISERVER_AUDIT_LOG_H_
#define NETPOL_TESTS_APISERVER_AUDIT_LOG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

struct AuditedRequest {
  std::string target;  // "/api/v1/pods?limit=500"
  std::string user;
};

// The audit log of a server that was started with flags(): lists and watches,
// each as soon as it has come in.
class AuditLog {
 public:
  // Its files are in `folder`.
  static absl::StatusOr<AuditLog> Create(const std::string& folder);

  std::vector<std::string> flags() const;

  // Those of clients whose User-Agent begins with `program`, in their order.
  std::vector<AuditedRequest> RequestsOf(absl::string_view program) const;
  // The same, for targets that hold `part`.
  size_t CountOf(absl::string_view program, absl::string_view part) const;

 private:
  explicit AuditLog(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_AUDIT_LOG_H_
