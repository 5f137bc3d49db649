// Time limits: each ends its request, and says which it was.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/credentials.h"
#include "netpol/watch/kube/http_client.h"
#include "tests/watch/kube/recording_sink.h"
#include "tests/watch/kube/scripted_server.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

class HttpClientLimitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    credentials_.certificate_authority_pem = authority_.certificate();
    options_.user_agent = "test/1.0";
    Create();
  }

  void Create() {
    auto created = HttpClient::Create(options_);
    ASSERT_TRUE(created.ok()) << created.status();
    client_ = *std::move(created);
  }

  HttpRequest RequestFor(const std::string& target) const {
    HttpRequest request;
    request.url = server_.Url(target);
    return request;
  }

  void ExpectLate(const HttpRequest& request, const std::string& text) {
    RecordingSink sink;
    client_->Start(request, credentials_, &sink);
    ASSERT_TRUE(RunUntilDone(*client_, sink));
    EXPECT_EQ(sink.done->code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(sink.done->message()), HasSubstr(text));
    EXPECT_THAT(std::string(sink.done->message()),
                HasSubstr(absl::StrCat("127.0.0.1:", server_.port())));
  }

  TestAuthority authority_{"authority"};
  ScriptedServer server_{{authority_.IssueServer(), ""}};
  Credentials credentials_;
  HttpClientOptions options_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientLimitsTest, NoHeadInTime) {
  server_.AnswerNext(ScriptedAnswer().Send("HTTP/1.1 200 OK\r\n").Silence());
  HttpRequest request = RequestFor("/");
  request.head_timeout = absl::Milliseconds(100);
  ExpectLate(request, "did not answer within 100ms");
  EXPECT_TRUE(server_.WaitForOpenConnections(0));
}

TEST_F(HttpClientLimitsTest, SilenceInTheMiddle) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Chunk("one").Silence());
  HttpRequest request = RequestFor("/");
  request.idle_timeout = absl::Milliseconds(100);
  ExpectLate(request, "for 100ms in the middle of the response");
  EXPECT_TRUE(server_.WaitForOpenConnections(0));
}

TEST_F(HttpClientLimitsTest, PiecesPutOffTheIdleLimitButNotTheTotal) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Flood("x"));
  HttpRequest request = RequestFor("/");
  request.idle_timeout = absl::Milliseconds(500);
  request.total_timeout = absl::Milliseconds(1000);
  ExpectLate(request, "was not complete after 1s");
}

TEST_F(HttpClientLimitsTest, TotalCountsBeforeTheHeadToo) {
  server_.AnswerNext(ScriptedAnswer().Silence());
  HttpRequest request = RequestFor("/");
  request.total_timeout = absl::Milliseconds(100);
  ExpectLate(request, "was not complete after 100ms");
}

TEST_F(HttpClientLimitsTest, NoTlsInTime) {
  options_.connect_timeout = absl::Milliseconds(100);
  Create();
  server_.SabotageNextConnection(ScriptedAnswer().Silence());
  ExpectLate(RequestFor("/"),
             absl::StrCat("cannot connect to 127.0.0.1:", server_.port(),
                          " within 100ms (the TLS handshake hangs)"));
}

TEST_F(HttpClientLimitsTest, LimitOfOneLeavesTheOthersAlone) {
  ScriptedAnswer watch = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerPath("/watch",
                     watch.Chunk("one").WaitFor("go").Chunk("two").EndChunks());
  server_.AnswerPath("/silent", ScriptedAnswer().Silence());
  RecordingSink sink;
  HttpRequest request = RequestFor("/watch");
  request.idle_timeout = absl::InfiniteDuration();
  client_->Start(request, credentials_, &sink);
  ASSERT_TRUE(RunUntil(*client_, [&] { return sink.body == "one"; }));
  HttpRequest silent = RequestFor("/silent");
  silent.head_timeout = absl::Milliseconds(100);
  ExpectLate(silent, "did not answer");
  EXPECT_FALSE(sink.done.has_value());
  server_.GoOn("go");
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(sink.body, "onetwo");
}

TEST_F(HttpClientLimitsTest, NextRequestOpensANewConnection) {
  // Three connections; two of them are free afterwards.
  RecordingSink a, b, watch, fresh;
  for (RecordingSink* sink : {&a, &b, &watch}) {
    ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
    answer.Chunk("x").WaitFor(sink == &watch ? "later" : "now").EndChunks();
    server_.AnswerNext(answer);
    client_->Start(RequestFor("/"), credentials_, sink);
    ASSERT_TRUE(RunUntil(*client_, [&] { return sink->body == "x"; }));
  }
  server_.GoOn("now");
  ASSERT_TRUE(RunUntilDone(*client_, a) && RunUntilDone(*client_, b));
  server_.AnswerNext(ScriptedAnswer().Silence());
  HttpRequest silent = RequestFor("/silent");
  silent.head_timeout = absl::Milliseconds(100);
  ExpectLate(silent, "did not answer");
  EXPECT_EQ(server_.connections(), 3);
  server_.AnswerNext(ScriptedAnswer::Whole(200, "a/b", "fresh"));
  client_->Start(RequestFor("/"), credentials_, &fresh);
  ASSERT_TRUE(RunUntilDone(*client_, fresh));
  EXPECT_EQ(fresh.body, "fresh");
  EXPECT_EQ(server_.connections(), 4);
  // The old ones go with the last that runs on them.
  server_.GoOn("later");
  ASSERT_TRUE(RunUntilDone(*client_, watch));
  EXPECT_TRUE(watch.done->ok());
  EXPECT_TRUE(server_.WaitForOpenConnections(1));
}

}  // namespace
}  // namespace netpol
