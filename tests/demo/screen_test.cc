#include "tests/demo/screen.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace netpol {
namespace {

TEST(ScreenTest, LongExplanationsAreBrokenAtBlanks) {
  std::ostringstream out;
  Screen screen(&out, ScreenStyle(), 2);
  screen.Step("First");
  const std::string word(60, 'a');
  screen.Say(word + " bb " + word);
  EXPECT_EQ(out.str(),
            "\n[1/2] First\n      " + word + " bb\n      " + word + "\n");
}

TEST(ScreenTest, WordThatIsTooLongIsBrokenAnywhere) {
  std::ostringstream out;
  Screen screen(&out, ScreenStyle(), 1);
  screen.Say(std::string(kScreenWidth, 'a'));
  EXPECT_EQ(out.str(),
            "      " + std::string(kScreenWidth - 6, 'a') + "\n      aaaaaa\n");
}

}  // namespace
}  // namespace netpol
