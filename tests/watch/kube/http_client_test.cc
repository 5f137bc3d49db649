// What is sent, and what a response becomes.
#include "netpol/watch/kube/http_client.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/credentials.h"
#include "tests/watch/kube/recording_sink.h"
#include "tests/watch/kube/scripted_server.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string Message(const RecordingSink& sink) {
  return std::string(sink.done->message());
}

class HttpClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpClientOptions options;
    options.user_agent = "test/1.0";
    auto created = HttpClient::Create(options);
    ASSERT_TRUE(created.ok()) << created.status();
    client_ = *std::move(created);
    credentials_.certificate_authority_pem = authority_.certificate();
    credentials_.authorization = "Bearer open-sesame";
  }

  uint64_t Start(const std::string& target, RecordingSink* sink) {
    HttpRequest request;
    request.url = server_.Url(target);
    request.accept = "a/b, c/d";
    return client_->Start(request, credentials_, sink);
  }

  TestAuthority authority_{"authority"};
  ScriptedServer server_{{authority_.IssueServer(), ""}};
  Credentials credentials_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, RefusesUserAgentsOfPeople) {
  for (const char* agent :
       {"", "curl/7.88", "Wget/1", "Mozilla/5.0 x", "a\nb"}) {
    HttpClientOptions options;
    options.user_agent = agent;
    EXPECT_EQ(HttpClient::Create(options).status().code(),
              absl::StatusCode::kInvalidArgument)
        << agent;
  }
}

TEST_F(HttpClientTest, SendsWhatItShouldAndNothingElse) {
  server_.AnswerNext(ScriptedAnswer::Whole(200, "a/b", "body"));
  RecordingSink sink;
  Start("/api/v1/pods?watch=1&labelSelector=a%3Db", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  ASSERT_EQ(server_.requests().size(), 1u);
  const ScriptedRequest request = server_.requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/api/v1/pods?watch=1&labelSelector=a%3Db");
  const std::map<std::string, std::string> expected = {
      {"accept", "a/b, c/d"},
      {"authorization", "Bearer open-sesame"},
      {"host", absl::StrCat("127.0.0.1:", server_.port())},
      {"user-agent", "test/1.0"}};
  EXPECT_EQ(request.headers, expected);
}

TEST_F(HttpClientTest, DeliversHeadBodyAndEndOnce) {
  server_.AnswerNext(ScriptedAnswer::Whole(200, "a/b", "body"));
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok()) << *sink.done;
  ASSERT_EQ(sink.heads.size(), 1u);
  EXPECT_EQ(sink.heads[0].status, 200);
  EXPECT_EQ(sink.heads[0].content_type, "a/b");
  EXPECT_EQ(sink.heads[0].content_encoding, "");
  EXPECT_EQ(sink.body, "body");
  EXPECT_EQ(sink.calls, 3);
}

TEST_F(HttpClientTest, ErrorStatusIsACompleteResponse) {
  ScriptedAnswer answer;
  answer
      .Head(429, {{"Content-Type", "text/plain"},
                  {"Retry-After", "7"},
                  {"Warning", "299 - \"old\""},
                  {"Content-Length", "3"}})
      .Send("no!");
  server_.AnswerNext(answer);
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok());
  ASSERT_EQ(sink.heads.size(), 1u);
  EXPECT_EQ(sink.heads[0].status, 429);
  EXPECT_EQ(sink.heads[0].retry_after, absl::Seconds(7));
  EXPECT_THAT(sink.heads[0].warnings, ElementsAre("old"));
  EXPECT_EQ(sink.body, "no!");
}

TEST_F(HttpClientTest, EmptyBodyIsComplete) {
  server_.AnswerNext(ScriptedAnswer::Whole(204, "a/b", ""));
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok());
  EXPECT_EQ(sink.heads.size(), 1u);
  EXPECT_EQ(sink.body, "");
}

TEST_F(HttpClientTest, RedirectIsNotFollowed) {
  ScriptedAnswer answer;
  answer.Head(
      302, {{"Location", server_.Url("/elsewhere")}, {"Content-Length", "0"}});
  server_.AnswerNext(answer);
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.heads.at(0).status, 302);
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(HttpClientTest, HandsOnPiecesAsTheyCome) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  answer.Chunk("one").WaitFor("go").Chunk("two").EndChunks();
  server_.AnswerNext(answer);
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntil(*client_, [&] { return sink.body == "one"; }));
  EXPECT_EQ(sink.heads.size(), 1u);
  EXPECT_FALSE(sink.done.has_value());
  server_.GoOn("go");
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok());
  EXPECT_EQ(sink.body, "onetwo");
}

TEST_F(HttpClientTest, SingleBytesArriveWhole) {
  const std::string wire =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nslow \r\n5\r\nbytes\r\n0\r\n\r\n";
  server_.AnswerNext(ScriptedAnswer().SendInPieces(wire, 1));
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok()) << *sink.done;
  EXPECT_EQ(sink.body, "slow bytes");
}

TEST_F(HttpClientTest, LargeBodyArrivesInManyPieces) {
  const std::string body(5 << 20, 'x');
  server_.AnswerNext(ScriptedAnswer::Whole(200, "a/b", body));
  RecordingSink sink;
  size_t largest = 0, before = 0;
  sink.on_body = [&] {
    largest = std::max(largest, sink.body.size() - before);
    before = sink.body.size();
    return absl::OkStatus();
  };
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.body, body);
  EXPECT_LE(largest, 64u << 10);
}

TEST_F(HttpClientTest, UnaskedCompressionIsHandedOnAsItIs) {
  ScriptedAnswer answer;
  answer.Head(200,
              {{"Content-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}});
  answer.GzipChunk("one").GzipChunk("two").EndChunks();
  server_.AnswerNext(answer);
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_TRUE(sink.done->ok()) << *sink.done;
  EXPECT_EQ(sink.heads.at(0).content_encoding, "gzip");
  EXPECT_EQ(sink.body, GzipMember("one") + GzipMember("two"));
}

TEST_F(HttpClientTest, OnlyErrorTextsMayEndWithTheConnection) {
  for (const int status : {200, 503}) {
    server_.AnswerNext(ScriptedAnswer().Head(status, {}).Send("text").Close());
    RecordingSink sink;
    Start("/", &sink);
    ASSERT_TRUE(RunUntilDone(*client_, sink));
    EXPECT_EQ(sink.body, "text");
    EXPECT_EQ(sink.done->ok(), status == 503) << *sink.done;
  }
}

TEST_F(HttpClientTest, EndInTheMiddleIsAnError) {
  const ScriptedAnswer::Headers sized = {{"Content-Length", "10"}};
  const ScriptedAnswer::Headers chunked = {{"Transfer-Encoding", "chunked"}};
  const std::vector<ScriptedAnswer> answers = {
      ScriptedAnswer().Head(200, sized).Send("half").Close(),
      ScriptedAnswer().Head(200, sized).Send("half").Cut(),
      ScriptedAnswer().Head(200, chunked).Chunk("half").Close(),
      ScriptedAnswer().Head(200, chunked).Chunk("half").Cut(),
      ScriptedAnswer().Head(200, chunked).Send("a\r\nhalf").Close(),
  };
  for (const ScriptedAnswer& answer : answers) {
    server_.AnswerNext(answer);
    RecordingSink sink;
    Start("/", &sink);
    ASSERT_TRUE(RunUntilDone(*client_, sink));
    EXPECT_EQ(sink.body, "half");
    EXPECT_EQ(sink.done->code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(Message(sink),
                HasSubstr(absl::StrCat("127.0.0.1:", server_.port(),
                                       " closed the connection in the middle "
                                       "of the response")));
  }
}

TEST_F(HttpClientTest, ResetInTheMiddleIsAnError) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Chunk("half").WaitFor("read").Reset());
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntil(*client_, [&] { return sink.body == "half"; }));
  server_.GoOn("read");
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.done->code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(sink), HasSubstr("in the middle of the response"));
  EXPECT_THAT(Message(sink), HasSubstr("reset"));
}

TEST_F(HttpClientTest, CloseWithoutAnAnswerIsAnError) {
  server_.AnswerNext(ScriptedAnswer().Close());
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.done->code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(sink), HasSubstr("without an answer"));
  EXPECT_THAT(sink.heads, IsEmpty());
}

TEST_F(HttpClientTest, GarbageInPlaceOfHttpIsAnError) {
  server_.AnswerNext(ScriptedAnswer().Send("\x01\x02garbage\r\n\r\n").Close());
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.done->code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(sink), HasSubstr("does not answer in HTTP"));
  EXPECT_EQ(sink.body, "");
}

TEST_F(HttpClientTest, RefusesHeadersWithLineBreaksWithoutRepeatingThem) {
  credentials_.authorization = "Bearer sesame\r\nX: y";
  RecordingSink sink;
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.done->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(sink), HasSubstr("Authorization"));
  EXPECT_THAT(Message(sink), Not(HasSubstr("sesame")));
  EXPECT_EQ(server_.connections(), 0);
}

}  // namespace
}  // namespace netpol
