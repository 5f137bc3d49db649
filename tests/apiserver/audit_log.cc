#include "tests/apiserver/audit_log.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/kubeconfig_writer.h"

namespace netpol {
namespace {

using nlohmann::literals::operator""_json_pointer;

constexpr char kPolicy[] = R"yaml(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, ResponseComplete, Panic]
rules:
- level: Metadata
  verbs: [list, watch]
- level: None
)yaml";

}  // namespace

absl::StatusOr<AuditLog> AuditLog::Create(const std::string& folder) {
  RETURN_IF_ERROR(ReplaceFile(folder + "/audit-policy.yaml", kPolicy));
  return AuditLog(folder);
}

std::vector<std::string> AuditLog::flags() const {
  return {absl::StrCat("--audit-policy-file=", folder_, "/audit-policy.yaml"),
          absl::StrCat("--audit-log-path=", folder_, "/audit.log"),
          "--audit-log-mode=blocking"};
}

std::vector<AuditedRequest> AuditLog::RequestsOf(
    absl::string_view program) const {
  std::vector<AuditedRequest> requests;
  std::ifstream file(folder_ + "/audit.log");
  for (std::string line; std::getline(file, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (!event.is_object()) continue;  // The last line, half written.
    if (!absl::StartsWith(event.value("userAgent", ""), program)) continue;
    requests.push_back({event.value("requestURI", ""),
                        event.value("/user/username"_json_pointer, "")});
  }
  return requests;
}

size_t AuditLog::CountOf(absl::string_view program,
                         absl::string_view part) const {
  const std::vector<AuditedRequest> all = RequestsOf(program);
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [&](const AuditedRequest& one) {
        return absl::StrContains(one.target, part);
      }));
}

}  // namespace netpol
