#include "netpol/watch/kube/http_head_reader.h"

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::FromUnixSeconds(784'111'777);

HttpHead HeadWith(absl::string_view line) {
  HttpHeadReader reader;
  reader.AddLine("HTTP/1.1 200 OK\r\n", kNow);
  reader.AddLine(line, kNow);
  EXPECT_TRUE(reader.AddLine("\r\n", kNow));
  return reader.head();
}

TEST(HttpHeadReaderTest, ReadsStatusAndContentType) {
  HttpHeadReader reader;
  EXPECT_FALSE(reader.AddLine("HTTP/2 403 \r\n", kNow));
  EXPECT_FALSE(reader.AddLine("content-type: a/b; charset=utf-8\r\n", kNow));
  EXPECT_FALSE(reader.AddLine("Content-Encoding: gzip\r\n", kNow));
  EXPECT_FALSE(reader.complete());
  EXPECT_TRUE(reader.AddLine("\r\n", kNow));
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.head().status, 403);
  EXPECT_EQ(reader.head().content_type, "a/b; charset=utf-8");
  EXPECT_EQ(reader.head().content_encoding, "gzip");
  EXPECT_FALSE(reader.head().retry_after.has_value());
}

TEST(HttpHeadReaderTest, PassesOverInterimResponses) {
  HttpHeadReader reader;
  reader.AddLine("HTTP/1.1 103 Early Hints\r\n", kNow);
  reader.AddLine("Content-Type: a/b\r\n", kNow);
  EXPECT_FALSE(reader.AddLine("\r\n", kNow));
  reader.AddLine("HTTP/1.1 200 OK\r\n", kNow);
  EXPECT_TRUE(reader.AddLine("\r\n", kNow));
  EXPECT_EQ(reader.head().status, 200);
  EXPECT_EQ(reader.head().content_type, "");
}

TEST(HttpHeadReaderTest, PassesOverTrailers) {
  HttpHeadReader reader;
  reader.AddLine("HTTP/1.1 200 OK\r\n", kNow);
  EXPECT_TRUE(reader.AddLine("\r\n", kNow));
  EXPECT_FALSE(reader.AddLine("Content-Type: late\r\n", kNow));
  EXPECT_FALSE(reader.AddLine("\r\n", kNow));
  EXPECT_EQ(reader.head().content_type, "");
}

TEST(HttpHeadReaderTest, ReadsRetryAfterInSeconds) {
  EXPECT_EQ(HeadWith("Retry-After: 32\r\n").retry_after, absl::Seconds(32));
  EXPECT_EQ(HeadWith("retry-after: 0\r\n").retry_after, absl::Seconds(0));
}

TEST(HttpHeadReaderTest, ReadsRetryAfterAsDate) {
  EXPECT_EQ(
      HeadWith("Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n").retry_after,
      absl::Seconds(23));
}

TEST(HttpHeadReaderTest, DateOfThePastIsNow) {
  EXPECT_EQ(
      HeadWith("Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n").retry_after,
      absl::ZeroDuration());
}

TEST(HttpHeadReaderTest, IgnoresRetryAfterThatIsNeither) {
  EXPECT_EQ(HeadWith("Retry-After: soon\r\n").retry_after, absl::nullopt);
  EXPECT_EQ(HeadWith("Retry-After: -3\r\n").retry_after, absl::nullopt);
}

TEST(HttpHeadReaderTest, KnowsWhetherTheBodyHasAnEnd) {
  const auto delimited = [](absl::string_view status, absl::string_view field) {
    HttpHeadReader reader;
    reader.AddLine(status, kNow);
    reader.AddLine(field, kNow);
    EXPECT_TRUE(reader.AddLine("\r\n", kNow));
    return reader.delimited();
  };
  EXPECT_TRUE(delimited("HTTP/1.1 200 OK\r\n", "content-length: 0\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked"));
  EXPECT_TRUE(delimited("HTTP/2 200\r\n", "a: b\r\n"));
  EXPECT_TRUE(delimited("HTTP/1.1 204 None\r\n", "a: b\r\n"));
  EXPECT_FALSE(delimited("HTTP/1.1 200 OK\r\n", "a: b\r\n"));
  EXPECT_FALSE(delimited("HTTP/1.0 500 No\r\n", "a: b\r\n"));
}

TEST(HttpHeadReaderTest, ReadsWarningTexts) {
  HttpHeadReader reader;
  reader.AddLine("HTTP/1.1 200 OK\r\n", kNow);
  reader.AddLine("Warning: 299 - \"v1 Foo is \\\"old\\\", see x\"\r\n", kNow);
  reader.AddLine(
      "warning: 199 - \"other\" \"Sun, 06 Nov 1994 08:00:00 GMT\", 299 a:1 "
      "\"second\"\r\n",
      kNow);
  reader.AddLine("\r\n", kNow);
  EXPECT_THAT(reader.head().warnings,
              ElementsAre("v1 Foo is \"old\", see x", "second"));
}

TEST(HttpHeadReaderTest, IgnoresBrokenWarnings) {
  EXPECT_THAT(HeadWith("Warning: 299\r\n").warnings, IsEmpty());
  EXPECT_THAT(HeadWith("Warning: 299 - text\r\n").warnings, IsEmpty());
  EXPECT_THAT(HeadWith("Warning: 299 - \"text\r\n").warnings, IsEmpty());
}

}  // namespace
}  // namespace netpol
