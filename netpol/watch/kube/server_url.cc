#include "netpol/watch/kube/server_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

absl::StatusOr<Url> Parse(absl::string_view text) {
  Url url(curl_url());
  if (!absl::StrContains(text, "://")) {
    return absl::InvalidArgumentError(
        "the address lacks its scheme; write https://HOST:PORT");
  }
  // libcurl takes text up to a NUL.
  const bool unprintable = std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(c) || absl::ascii_isspace(c);
  });
  if (unprintable ||
      curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(),
                   CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return absl::InvalidArgumentError(
        "not a valid address; write https://HOST:PORT");
  }
  return url;
}

// Empty if there is none.
std::string Part(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

}  // namespace

absl::StatusOr<std::string> NormalServerUrl(absl::string_view url) {
  ASSIGN_OR_RETURN(const Url parsed, Parse(url));
  const std::string scheme = Part(parsed, CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") {
    return absl::InvalidArgumentError(
        "only https and http are possible for an API server");
  }
  if (!Part(parsed, CURLUPART_USER).empty() ||
      !Part(parsed, CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "a user in the address is not supported; use a kubeconfig with "
        "credentials");
  }
  if (!Part(parsed, CURLUPART_QUERY).empty() ||
      !Part(parsed, CURLUPART_FRAGMENT).empty()) {
    return absl::InvalidArgumentError(
        "the address of an API server ends with its path; take out \"?\" and "
        "\"#\"");
  }
  std::string normal(url);
  while (absl::EndsWith(normal, "/")) normal.pop_back();
  return normal;
}

absl::Status CheckProxyUrl(absl::string_view url) {
  ASSIGN_OR_RETURN(const Url parsed, Parse(url));
  const std::string scheme = Part(parsed, CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http" && scheme != "socks5") {
    return absl::InvalidArgumentError(
        "only http, https and socks5 are possible for a proxy");
  }
  return absl::OkStatus();
}

}  // namespace netpol
