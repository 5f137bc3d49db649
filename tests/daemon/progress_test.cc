#include "netpol/daemon/progress.h"

#include <future>
#include <ostream>
#include <streambuf>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

// Keeps what is written, and tells of the first line that was flushed.
class Screen : public std::streambuf {
 public:
  void AwaitLine() { flushed_.get_future().wait(); }
  const std::string& text() const { return text_; }

 protected:
  int_type overflow(int_type c) override {
    text_ += static_cast<char>(c);
    return c;
  }
  int sync() override {
    if (std::exchange(first_, false)) flushed_.set_value();
    return 0;
  }

 private:
  std::string text_;
  bool first_ = true;
  std::promise<void> flushed_;
};

TEST(ProgressTest, QuickWorkShowsNothing) {
  Screen screen;
  std::ostream terminal(&screen);
  { const Progress progress(&terminal, "working"); }
  EXPECT_EQ(screen.text(), "");
}

TEST(ProgressTest, LongWorkShowsItsNameAndTakesTheLineAway) {
  Screen screen;
  std::ostream terminal(&screen);
  {
    const Progress progress(&terminal, "working");
    screen.AwaitLine();
  }
  EXPECT_THAT(screen.text(),
              AllOf(HasSubstr("working … 1 s"), EndsWith("\r\033[K")));
}

}  // namespace
}  // namespace netpol
