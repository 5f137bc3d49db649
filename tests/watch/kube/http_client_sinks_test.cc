// What sinks may do, when they are called, and when the client has work.
#include <poll.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/credentials.h"
#include "netpol/watch/kube/http_client.h"
#include "tests/watch/kube/recording_sink.h"
#include "tests/watch/kube/scripted_server.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

class HttpClientSinksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpClientOptions options;
    options.user_agent = "test/1.0";
    auto created = HttpClient::Create(options);
    ASSERT_TRUE(created.ok()) << created.status();
    client_ = *std::move(created);
    credentials_.certificate_authority_pem = authority_.certificate();
  }

  uint64_t Start(const std::string& target, RecordingSink* sink) {
    HttpRequest request;
    request.url = server_.Url(target);
    return client_->Start(request, credentials_, sink);
  }

  TestAuthority authority_{"authority"};
  ScriptedServer server_{{authority_.IssueServer(), ""}};
  Credentials credentials_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientSinksTest, ErrorOfTheSinkEndsTheRequest) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Chunk("bad").WaitFor("never"));
  RecordingSink sink;
  sink.on_body = [] { return absl::DataLossError("frame too long"); };
  Start("/", &sink);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  EXPECT_EQ(*sink.done, absl::DataLossError("frame too long"));
  EXPECT_TRUE(server_.WaitForOpenConnections(0));
}

TEST_F(HttpClientSinksTest, CancelledRequestIsNotHeardOfAgain) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Chunk("one").Silence());
  RecordingSink sink;
  const uint64_t number = Start("/", &sink);
  ASSERT_TRUE(RunUntil(*client_, [&] { return sink.body == "one"; }));
  const int calls = sink.calls;
  client_->Cancel(number);
  EXPECT_TRUE(server_.WaitForOpenConnections(0));
  RunUntilQuiet(*client_);
  EXPECT_EQ(sink.calls, calls);
  client_->Cancel(number);
  client_->Cancel(12345);
}

TEST_F(HttpClientSinksTest, RequestCancelledBeforeRunIsNeverSent) {
  RecordingSink sink;
  client_->Cancel(Start("/", &sink));
  RunUntilQuiet(*client_);
  EXPECT_EQ(sink.calls, 0);
  EXPECT_EQ(server_.connections(), 0);
}

TEST_F(HttpClientSinksTest, SinkMayStartAndCancelOthersAtEachCall) {
  for (const char* path : {"/a", "/head", "/body", "/done"}) {
    server_.AlwaysAnswerPath(path, ScriptedAnswer::Whole(200, "a/b", path));
  }
  ScriptedAnswer endless = ScriptedAnswer::Chunked(200, "a/b");
  server_.AlwaysAnswerPath("/endless", endless.Chunk("on").Silence());
  RecordingSink victims[3];
  uint64_t numbers[3];
  for (int i = 0; i < 3; ++i) numbers[i] = Start("/endless", &victims[i]);
  ASSERT_TRUE(RunUntil(*client_, [&] {
    return victims[0].body + victims[1].body + victims[2].body == "ononon";
  }));
  RecordingSink sink, at_head, at_body, at_done;
  sink.on_head = [&] {
    Start("/head", &at_head);
    client_->Cancel(numbers[0]);
  };
  sink.on_body = [&] {
    Start("/body", &at_body);
    client_->Cancel(numbers[1]);
    return absl::OkStatus();
  };
  sink.on_done = [&] {
    Start("/done", &at_done);
    client_->Cancel(numbers[2]);
  };
  Start("/a", &sink);
  for (const RecordingSink* other : {&sink, &at_head, &at_body, &at_done}) {
    ASSERT_TRUE(RunUntilDone(*client_, *other));
    EXPECT_TRUE(other->done->ok()) << *other->done;
  }
  EXPECT_EQ(at_head.body + at_body.body + at_done.body, "/head/body/done");
  for (const RecordingSink& victim : victims) EXPECT_EQ(victim.calls, 2);
}

TEST_F(HttpClientSinksTest, SinkMayCancelOneThatHasJustEnded) {
  // Both end in the same Run(): whoever is first cancels the other.
  for (const char* path : {"/a", "/b"}) {
    ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
    server_.AnswerPath(path, answer.Chunk("x").WaitFor("go").EndChunks());
  }
  RecordingSink a, b;
  uint64_t number_a = 0, number_b = 0;
  a.on_done = [&] { client_->Cancel(number_b); };
  b.on_done = [&] { client_->Cancel(number_a); };
  number_a = Start("/a", &a);
  number_b = Start("/b", &b);
  ASSERT_TRUE(RunUntil(*client_, [&] { return a.body + b.body == "xx"; }));
  server_.GoOn("go");
  ASSERT_TRUE(RunUntil(
      *client_, [&] { return a.done.has_value() || b.done.has_value(); }));
  RunUntilQuiet(*client_);
  EXPECT_NE(a.done.has_value(), b.done.has_value());
}

TEST_F(HttpClientSinksTest, DestructionEndsWhatRuns) {
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerPath("/watch", answer.Chunk("one").Silence());
  server_.AnswerPath("/silent", ScriptedAnswer().Silence());
  RecordingSink watch, silent, queued;
  Start("/watch", &watch);
  Start("/silent", &silent);
  ASSERT_TRUE(RunUntil(*client_, [&] {
    return watch.body == "one" && server_.requests().size() == 2;
  }));
  Start("/queued", &queued);
  client_.reset();
  EXPECT_FALSE(watch.done || silent.done || queued.done);
  EXPECT_TRUE(server_.WaitForOpenConnections(0));
}

TEST_F(HttpClientSinksTest, DescriptorIsReadableOnlyWhenThereIsWork) {
  pollfd ready = {client_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&ready, 1, 0), 0);
  ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
  server_.AnswerNext(answer.Chunk("x").WaitFor("go").EndChunks());
  RecordingSink sink;
  Start("/", &sink);
  EXPECT_EQ(poll(&ready, 1, 20'000), 1);
  ASSERT_TRUE(RunUntil(*client_, [&] { return sink.body == "x"; }));
  RunUntilQuiet(*client_);
  EXPECT_EQ(poll(&ready, 1, 0), 0);
  server_.GoOn("go");
  EXPECT_EQ(poll(&ready, 1, 20'000), 1);
  ASSERT_TRUE(RunUntilDone(*client_, sink));
  RunUntilQuiet(*client_);
  EXPECT_EQ(poll(&ready, 1, 0), 0);
}

}  // namespace
}  // namespace netpol
