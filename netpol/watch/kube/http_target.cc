#include "netpol/watch/kube/http_target.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

// Empty: the URL has no such part.
std::string Part(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

// `host` as in a URL: IPv6 in brackets.
bool IsLoopback(const std::string& host) {
  if (absl::EqualsIgnoreCase(host, "localhost") || host == "[::1]") return true;
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         absl::StartsWith(host, "127.");
}

// The URL itself is not in the message: it may hold a password.
absl::StatusOr<Url> ParseUrl(const std::string& text) {
  Url url(curl_url());
  const CURLUcode code =
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
  if (code != CURLUE_OK) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the URL of the server cannot be read (", curl_url_strerror(code),
        "); it must be like https://192.0.2.1:6443"));
  }
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL of the server begins with ", scheme,
                     "://, which must be https:// or http://"));
  }
  if (!Part(url, CURLUPART_USER).empty() ||
      !Part(url, CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL of the server ", Part(url, CURLUPART_HOST),
                     " has a user name or password in it, which is refused"));
  }
  return url;
}

}  // namespace

absl::StatusOr<HttpTarget> ParseHttpTarget(const std::string& url,
                                           const std::string& tls_server_name) {
  ASSIGN_OR_RETURN(const Url parsed, ParseUrl(url));
  const std::string host = Part(parsed, CURLUPART_HOST);
  const std::string port = Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  HttpTarget target;
  target.https = Part(parsed, CURLUPART_SCHEME) == "https";
  target.loopback = IsLoopback(host);
  target.host_port = absl::StrCat(host, ":", port);
  if (tls_server_name.empty() || !target.https) {
    target.url = url;
    return target;
  }
  // An IPv6 address is in brackets there, too.
  const bool bare_ipv6 = absl::StrContains(tls_server_name, ':') &&
                         !absl::StartsWith(tls_server_name, "[");
  const std::string name =
      bare_ipv6 ? absl::StrCat("[", tls_server_name, "]") : tls_server_name;
  if (curl_url_set(parsed.get(), CURLUPART_HOST, name.c_str(), 0) !=
      CURLUE_OK) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the TLS server name \"", tls_server_name, "\" is no host name"));
  }
  target.url = Part(parsed, CURLUPART_URL);
  target.connect_to = absl::StrCat(name, ":", port, ":", target.host_port);
  return target;
}

}  // namespace netpol
