#include "netpol/watch/kube/http_head_reader.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

// RFC 9110, section 10.2.3: seconds or a date.
absl::optional<absl::Duration> ParseRetryAfter(absl::string_view value,
                                               absl::Time now) {
  uint32_t seconds = 0;
  if (absl::SimpleAtoi(value, &seconds)) return absl::Seconds(seconds);
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return absl::nullopt;
  return std::max(absl::FromTimeT(date) - now, absl::ZeroDuration());
}

// Takes a quoted string off the front of `rest`; nothing if there is none.
absl::optional<std::string> TakeQuoted(absl::string_view& rest) {
  if (!absl::ConsumePrefix(&rest, "\"")) return absl::nullopt;
  std::string text;
  while (!rest.empty() && rest[0] != '"') {
    if (rest[0] == '\\' && rest.size() > 1) rest.remove_prefix(1);
    text.push_back(rest[0]);
    rest.remove_prefix(1);
  }
  if (!absl::ConsumePrefix(&rest, "\"")) return absl::nullopt;
  return text;
}

// RFC 7234, section 5.5: code agent "text" ["date"], separated by commas.
void ParseWarnings(absl::string_view rest, std::vector<std::string>& texts) {
  while (!rest.empty()) {
    const std::vector<absl::string_view> parts =
        absl::StrSplit(rest, absl::MaxSplits(' ', 2));
    if (parts.size() < 3) return;
    rest = parts[2];
    const absl::optional<std::string> text = TakeQuoted(rest);
    if (!text.has_value()) return;
    if (parts[0] == "299") texts.push_back(*text);
    rest = absl::StripLeadingAsciiWhitespace(rest);
    if (TakeQuoted(rest).has_value()) {
      rest = absl::StripLeadingAsciiWhitespace(rest);
    }
    if (!absl::ConsumePrefix(&rest, ",")) return;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
}

}  // namespace

bool HttpHeadReader::AddLine(absl::string_view line, absl::Time now) {
  if (complete_) return false;
  line = absl::StripAsciiWhitespace(line);
  if (line.empty()) {
    complete_ = head_.status >= 200;
    if (head_.status == 204 || head_.status == 304) delimited_ = true;
    return complete_;
  }
  if (absl::StartsWith(line, "HTTP/")) {
    head_ = HttpHead();
    // Later versions have frames of their own.
    delimited_ = !absl::StartsWith(line, "HTTP/1.");
    const std::vector<absl::string_view> parts =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &head_.status)) {
      head_.status = 0;
    }
    return false;
  }
  const std::pair<absl::string_view, absl::string_view> field =
      absl::StrSplit(line, absl::MaxSplits(':', 1));
  AddField(absl::StripAsciiWhitespace(field.first),
           absl::StripAsciiWhitespace(field.second), now);
  return false;
}

void HttpHeadReader::AddField(absl::string_view name, absl::string_view value,
                              absl::Time now) {
  if (absl::EqualsIgnoreCase(name, "content-type")) {
    head_.content_type = std::string(value);
  } else if (absl::EqualsIgnoreCase(name, "content-encoding")) {
    head_.content_encoding = std::string(value);
  } else if (absl::EqualsIgnoreCase(name, "retry-after")) {
    head_.retry_after = ParseRetryAfter(value, now);
  } else if (absl::EqualsIgnoreCase(name, "warning")) {
    ParseWarnings(value, head_.warnings);
  } else if (absl::EqualsIgnoreCase(name, "content-length") ||
             absl::EqualsIgnoreCase(name, "transfer-encoding")) {
    delimited_ = true;
  }
}

}  // namespace netpol
