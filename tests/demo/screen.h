// How the demo writes to its terminal.
#ifndef NETPOL_TESTS_DEMO_SCREEN_H_
#define NETPOL_TESTS_DEMO_SCREEN_H_

#include <cstddef>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"

namespace netpol {

struct ScreenStyle {
  bool utf8 = false;    // Else nothing but ASCII is written.
  bool colour = false;  // Escape sequences may be written.
};

// What standard output can show: UTF-8 by the locale of the environment, colour
// on a terminal unless NO_COLOR is set (https://no-color.org). Sets the locale
// of the process.
ScreenStyle StyleOfStandardOutput();

// In columns.
inline constexpr size_t kScreenWidth = 100;

enum class Emphasis { kNone, kGood, kBad, kFaint, kStrong };

// `text` in the colour of `emphasis`, if there are colours.
std::string Emphasize(ScreenStyle style, Emphasis emphasis,
                      absl::string_view text);

// Writes step by step, each line at once. Thread-compatible.
class Screen {
 public:
  // `out` is borrowed. `steps` is how many Step() calls there will be.
  Screen(std::ostream* out, ScreenStyle style, int steps)
      : out_(*out), style_(style), steps_(steps) {}

  ScreenStyle style() const { return style_; }

  // A numbered title, told before the step is done.
  void Step(absl::string_view title);
  // Explanation below a title, in lines of at most kScreenWidth.
  void Say(absl::string_view text);
  // Text as it is, such as a table.
  void Show(absl::string_view text);

 private:
  std::ostream& out_;
  const ScreenStyle style_;
  const int steps_;
  int step_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_SCREEN_H_
