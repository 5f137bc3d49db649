#include "netpol/watch/kube/json_cursor.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "netpol/watch/kube/json_scanner.h"

namespace netpol {

void JsonCursor::SkipBlanks() {
  rest_ = absl::StripLeadingAsciiWhitespace(rest_);
}

bool JsonCursor::AtEnd() {
  SkipBlanks();
  return rest_.empty();
}

bool JsonCursor::IsNext(char c) {
  SkipBlanks();
  return !rest_.empty() && rest_.front() == c;
}

bool JsonCursor::Take(char c) {
  if (!IsNext(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonCursor::TakeKey(absl::string_view* key) {
  absl::string_view quoted;
  if (!IsNext('"') || !TakeValue(&quoted)) return false;
  *key = quoted.substr(1, quoted.size() - 2);
  return Take(':');
}

bool JsonCursor::TakeValue(absl::string_view* value) {
  SkipBlanks();
  const size_t length = ValueLength();
  *value = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return length > 0;
}

// 0 if there is no value, or no end of it.
size_t JsonCursor::ValueLength() const {
  if (rest_.empty()) return 0;
  const char first = rest_.front();
  if (first != '"' && first != '{' && first != '[') {
    const size_t end = rest_.find_first_of(",:]} \t\r\n");
    return end == absl::string_view::npos ? rest_.size() : end;
  }
  JsonScanner scanner;
  for (size_t i = 0; i < rest_.size(); ++i) {
    scanner.Add(rest_[i]);
    if (scanner.depth() == 0 && !scanner.in_string()) return i + 1;
  }
  return 0;
}

bool FindJsonMember(absl::string_view object, absl::string_view key,
                    absl::string_view* value) {
  *value = absl::string_view();
  JsonCursor cursor(object);
  if (!cursor.Take('{')) return false;
  if (cursor.Take('}')) return cursor.AtEnd();
  do {
    absl::string_view name;
    absl::string_view text;
    if (!cursor.TakeKey(&name) || !cursor.TakeValue(&text)) return false;
    if (name == key) *value = text;
  } while (cursor.Take(','));
  return cursor.Take('}') && cursor.AtEnd();
}

absl::string_view FindJsonString(absl::string_view object,
                                 absl::string_view key) {
  absl::string_view value;
  if (!FindJsonMember(object, key, &value) ||
      !absl::ConsumePrefix(&value, "\"") ||
      !absl::ConsumeSuffix(&value, "\"") || absl::StrContains(value, "\\")) {
    return absl::string_view();
  }
  return value;
}

}  // namespace netpol
