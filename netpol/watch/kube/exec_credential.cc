#include "netpol/watch/kube/exec_credential.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/bearer_token.h"
#include "netpol/watch/kube/pem.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using Json = nlohmann::json;

absl::Status Bad(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("what it printed cannot be used: ", why));
}

// The string at `name`; empty if it is absent or null.
absl::Status ReadText(const Json& object, const char* name, std::string* text) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return absl::OkStatus();
  if (!it->is_string()) return Bad(absl::StrCat(name, " is not a string"));
  *text = it->get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadExpiration(const Json& status, absl::Time* expiration) {
  std::string text;
  RETURN_IF_ERROR(ReadText(status, "expirationTimestamp", &text));
  if (text.empty()) return absl::OkStatus();
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, expiration, &error)) {
    return Bad("expirationTimestamp is not a time of RFC 3339");
  }
  return absl::OkStatus();
}

absl::Status CheckContent(const ExecCredential& credential) {
  if (credential.client_certificate_pem.empty() !=
      credential.client_key_pem.empty()) {
    return Bad("of clientCertificateData and clientKeyData one is missing");
  }
  if (!credential.client_key_pem.empty()) {
    const absl::Status pair = CheckKeyPair(credential.client_certificate_pem,
                                           credential.client_key_pem);
    if (!pair.ok()) return Bad(pair.message());
  } else if (credential.token.empty()) {
    return Bad("it has neither a token nor a client certificate");
  }
  return absl::OkStatus();
}

}  // namespace

std::string ExecInfo(const ExecPluginConfig& config) {
  Json info = {{"apiVersion", config.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (!config.cluster_info.empty()) {
    Json cluster = Json::parse(config.cluster_info, nullptr,
                               /*allow_exceptions=*/false);
    if (!cluster.is_discarded()) info["spec"]["cluster"] = std::move(cluster);
  }
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<ExecCredential> ParseExecCredential(
    absl::string_view output, absl::string_view api_version) {
  const Json json = Json::parse(output.begin(), output.end(), nullptr,
                                /*allow_exceptions=*/false);
  if (!json.is_object()) return Bad("it is not a JSON object");
  std::string kind;
  std::string version;
  RETURN_IF_ERROR(ReadText(json, "kind", &kind));
  RETURN_IF_ERROR(ReadText(json, "apiVersion", &version));
  if (kind != "ExecCredential" || version != api_version) {
    return Bad(absl::StrCat("it is not an ExecCredential of ", api_version,
                            ", the apiVersion that the kubeconfig asks for"));
  }
  const auto status = json.find("status");
  if (status == json.end() || !status->is_object()) {
    return Bad("it has no status");
  }
  ExecCredential credential;
  std::string token;
  RETURN_IF_ERROR(ReadText(*status, "token", &token));
  if (!token.empty()) {
    absl::StatusOr<std::string> trimmed = TrimmedToken(token);
    if (!trimmed.ok()) return Bad(trimmed.status().message());
    credential.token = *std::move(trimmed);
  }
  RETURN_IF_ERROR(ReadText(*status, "clientCertificateData",
                           &credential.client_certificate_pem));
  RETURN_IF_ERROR(
      ReadText(*status, "clientKeyData", &credential.client_key_pem));
  RETURN_IF_ERROR(ReadExpiration(*status, &credential.expiration));
  RETURN_IF_ERROR(CheckContent(credential));
  return credential;
}

}  // namespace netpol
