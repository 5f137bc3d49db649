#include "tests/demo/screen.h"

#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr absl::string_view kMargin = "      ";

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

ScreenStyle StyleOfStandardOutput() {
  ScreenStyle style;
  style.utf8 = std::setlocale(LC_ALL, "") != nullptr &&
               absl::string_view(nl_langinfo(CODESET)) == "UTF-8";
  const char* terminal = std::getenv("TERM");
  style.colour = isatty(STDOUT_FILENO) == 1 && !IsSet("NO_COLOR") &&
                 terminal != nullptr && absl::string_view(terminal) != "dumb";
  return style;
}

std::string Emphasize(ScreenStyle style, Emphasis emphasis,
                      absl::string_view text) {
  if (!style.colour || emphasis == Emphasis::kNone) return std::string(text);
  const absl::string_view code = emphasis == Emphasis::kGood    ? "32"
                                 : emphasis == Emphasis::kBad   ? "31"
                                 : emphasis == Emphasis::kFaint ? "2"
                                                                : "1";
  return absl::StrCat("\033[", code, "m", text, "\033[0m");
}

void Screen::Step(absl::string_view title) {
  ++step_;
  out_ << "\n"
       << Emphasize(style_, Emphasis::kStrong,
                    absl::StrCat("[", step_, "/", steps_, "] ", title))
       << std::endl;
}

void Screen::Say(absl::string_view text) {
  while (!text.empty()) {
    absl::string_view line = text.substr(0, kScreenWidth - kMargin.size());
    const size_t blank = line.rfind(' ');
    if (line.size() < text.size() && blank != absl::string_view::npos)
      line = line.substr(0, blank);
    text = absl::StripLeadingAsciiWhitespace(text.substr(line.size()));
    out_ << kMargin << line << std::endl;
  }
}

void Screen::Show(absl::string_view text) { out_ << text << std::flush; }

}  // namespace netpol
