#include "netpol/daemon/logging.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

// What stderr gets.
std::string Logged(LogFormat format, int verbosity) {
  SetLogFormat(format);
  SetLogVerbosity(verbosity);
  testing::internal::CaptureStderr();
  LogDebug("looked");
  LogInfo("said \"so\"\nand more");
  LogError("failed");
  return testing::internal::GetCapturedStderr();
}

TEST(LoggingTest, TextIsOneLineForEachMessage) {
  const std::string log = Logged(LogFormat::kText, 0);
  EXPECT_THAT(log, MatchesRegex("[0-9T:.+-]+ info said \"so\"\\\\x0aand more\n"
                                "[0-9T:.+-]+ error failed\n"));
}

TEST(LoggingTest, JsonIsAnObjectForEachMessage) {
  const std::string log = Logged(LogFormat::kJson, 0);
  const size_t end = log.find('\n');
  const nlohmann::json line =
      nlohmann::json::parse(log.substr(0, end), nullptr, false);
  ASSERT_TRUE(line.is_object()) << log;
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["msg"], "said \"so\"\nand more");
  EXPECT_TRUE(line["ts"].is_string());
  EXPECT_TRUE(nlohmann::json::accept(log.substr(end + 1))) << log;
}

TEST(LoggingTest, WhatWasLookedAtIsLoggedFromLevelOne) {
  EXPECT_THAT(Logged(LogFormat::kText, 0), Not(HasSubstr("looked")));
  EXPECT_THAT(Logged(LogFormat::kText, 1), HasSubstr(" debug looked\n"));
}

TEST(LoggingTest, FormsHoldNothingThatBreaksALine) {
  EXPECT_EQ(LogForm("a\x1b[31mb\x7f", LogFormat::kText), "a\\x1b[31mb\\x7f");
  EXPECT_EQ(LogForm("grün", LogFormat::kText), "grün");
  EXPECT_EQ(LogForm("a\tb\xff", LogFormat::kJson), "\"a\\tb\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace netpol
