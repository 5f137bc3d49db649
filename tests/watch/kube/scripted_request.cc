#include "tests/watch/kube/scripted_request.h"

#include <curl/curl.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

using Halves = std::pair<absl::string_view, absl::string_view>;

std::string Decode(absl::string_view text) {
  int size = 0;
  char* const decoded = curl_easy_unescape(
      nullptr, text.data(), static_cast<int>(text.size()), &size);
  // It takes 0 for the whole string.
  std::string result(decoded, text.empty() ? 0 : size);
  curl_free(decoded);
  return result;
}

std::map<std::string, std::string> ParseQuery(absl::string_view text) {
  std::map<std::string, std::string> query;
  for (absl::string_view part : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    const Halves halves = absl::StrSplit(part, absl::MaxSplits('=', 1));
    query[Decode(halves.first)] = Decode(halves.second);
  }
  return query;
}

}  // namespace

ScriptedRequest ParseScriptedRequest(const std::string& head) {
  ScriptedRequest request;
  const std::vector<absl::string_view> lines =
      absl::StrSplit(head, "\r\n", absl::SkipEmpty());
  if (lines.empty()) return request;
  const std::vector<std::string> first = absl::StrSplit(lines[0], ' ');
  request.method = first[0];
  if (first.size() > 1) request.target = first[1];
  const Halves halves = absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  request.path = std::string(halves.first);
  request.query = ParseQuery(halves.second);
  for (size_t i = 1; i < lines.size(); ++i) {
    const Halves field = absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    request.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  return request;
}

}  // namespace netpol
