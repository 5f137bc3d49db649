// Walks over JSON text without reading its values.
#ifndef NETPOL_WATCH_KUBE_JSON_CURSOR_H_
#define NETPOL_WATCH_KUBE_JSON_CURSOR_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace netpol {

// A place in JSON text. What is stepped over is looked at only as far as that
// takes: whether it is valid is for a parser to say. Borrows the text; keys and
// values are as they are written, keys without their quotes. False, here and
// below: something else stands there.
class JsonCursor {
 public:
  explicit JsonCursor(absl::string_view text) : rest_(text) {}

  // Whether `c` comes next, blanks aside.
  bool IsNext(char c);
  // Steps over `c`.
  bool Take(char c);
  // Steps over a name and its colon.
  bool TakeKey(absl::string_view* key);
  // Steps over one value of any kind.
  bool TakeValue(absl::string_view* value);
  bool AtEnd();

 private:
  void SkipBlanks();
  size_t ValueLength() const;

  absl::string_view rest_;
};

// The value of the last member `key` of `object`, as it is written; empty if
// there is none. False if `object` is no JSON object.
bool FindJsonMember(absl::string_view object, absl::string_view key,
                    absl::string_view* value);

// As above, for a string without escapes, and without its quotes; empty for all
// else.
absl::string_view FindJsonString(absl::string_view object,
                                 absl::string_view key);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_JSON_CURSOR_H_
