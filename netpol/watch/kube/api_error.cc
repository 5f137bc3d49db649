#include "netpol/watch/kube/api_error.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr size_t kMostQuoted = 300;

// On one line, and not for ever.
std::string Quoted(absl::string_view text) {
  std::string line(text.substr(0, kMostQuoted));
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); },
      ' ');
  absl::StripAsciiWhitespace(&line);
  if (text.size() > kMostQuoted) line += "…";
  return line;
}

std::string Remedy(const ApiRequestName& request, int code) {
  switch (code) {
    case 401:
      return absl::StrCat(
          "the token or certificate is not accepted: renew the credentials of ",
          request.origin);
    case 403:
      return absl::StrCat(
          "give it a ClusterRole with the verbs list and watch "
          "on ",
          request.plural);
    case 404:
      return absl::StrCat("is ", request.server,
                          " the address of a Kubernetes API server? It is that "
                          "of ",
                          request.origin);
    case 429:
      return "it is too busy, and asked again later";
    default:
      return "it is asked again";
  }
}

}  // namespace

std::string ExplainRefusal(const ApiRequestName& request, const HttpHead& head,
                           const k8s::Status& status, absl::string_view body) {
  const std::string said =
      Quoted(status.message().empty() ? body : status.message());
  if (head.status == 200 && !head.content_encoding.empty()) {
    return absl::StrCat("the answer of ", request.server, " is compressed (",
                        head.content_encoding,
                        ") though nobody asked for that: is there a proxy in "
                        "between that must not do so?");
  }
  if (head.status == 200) {
    return absl::StrCat(
        "the answer of ", request.server, " is ",
        head.content_type.empty() ? "of no type" : head.content_type,
        ", not what an API server sends: check the address in ",
        request.origin);
  }
  return absl::StrCat(
      "the API server ", request.server, " refuses to ", request.verb,
      head.status == 403 ? absl::StrCat(" ", request.plural) : std::string(),
      " (HTTP ", head.status,
      said.empty() ? std::string() : absl::StrCat(": ", said), "); ",
      Remedy(request, head.status));
}

std::string ExplainFailure(const ApiRequestName& request,
                           const absl::Status& failure) {
  const std::string what = absl::StrCat(
      "asking the API server ", request.server, ": ", failure.message());
  if (absl::IsUnauthenticated(failure)) {
    return absl::StrCat(what,
                        "; check certificate-authority, server and client "
                        "certificate of ",
                        request.origin);
  }
  if (absl::IsUnavailable(failure) || absl::IsDeadlineExceeded(failure)) {
    return absl::StrCat(what, "; is it up, and is its address in ",
                        request.origin, " right?");
  }
  return what;
}

}  // namespace netpol
