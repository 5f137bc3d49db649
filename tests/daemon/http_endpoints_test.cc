#include "netpol/daemon/http_endpoints.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kHere[] = "127.0.0.1";

HealthVerdict Verdict(bool good) {
  HealthVerdict verdict;
  verdict.alive = verdict.healthy = verdict.ready = good;
  verdict.reasons = {good ? "note: one policy has problems"
                          : "the last\nsynchronisation failed",
                     "note: two"};
  return verdict;
}

HttpEndpointSources Sources(bool good = true) {
  return {[good] { return Verdict(good); },
          [] { return std::string("# HELP x y\n"); }};
}

HttpEndpointOptions BothAtOnePlace() {
  HttpEndpointOptions options;
  options.health_address = options.metrics_address = kHere;
  options.health_port = options.metrics_port = 0;
  return options;
}

std::unique_ptr<HttpEndpoints> Start(const HttpEndpointOptions& options,
                                     const HttpEndpointSources& sources) {
  absl::StatusOr<std::unique_ptr<HttpEndpoints>> endpoints =
      HttpEndpoints::Start(options, sources);
  EXPECT_TRUE(endpoints.ok()) << endpoints.status();
  return endpoints.ok() ? *std::move(endpoints) : nullptr;
}

httplib::Result Get(int port, const std::string& path) {
  httplib::Client client(kHere, port);
  client.set_read_timeout(30);
  return client.Get(path);
}

// A connection without a library, which sends what it likes.
class RawConnection {
 public:
  explicit RawConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, kHere, &address.sin_addr);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address),
                      sizeof(address)),
              0);
    const timeval limit = {30, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Whether all of it could be sent.
  bool Send(const std::string& text) {
    size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t step =
          send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (step <= 0) return false;
      sent += static_cast<size_t>(step);
    }
    return true;
  }
  // What comes until the other end closes; "and waits" at its end if it does
  // not.
  std::string ReadAll() {
    std::string text;
    char buffer[4096];
    while (true) {
      const ssize_t got = recv(socket_, buffer, sizeof(buffer), 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return text;
      if (got < 0) return text + "and waits";
      text.append(buffer, static_cast<size_t>(got));
    }
  }

 private:
  int socket_;
};

TEST(HttpEndpointsTest, GoodHealthIsOkAndNoMore) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  for (const char* path : {"/healthz", "/readyz", "/livez"}) {
    const httplib::Result result = Get(*endpoints->health_port(), path);
    ASSERT_TRUE(result) << httplib::to_string(result.error());
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(result->body, "OK\n");
  }
}

TEST(HttpEndpointsTest, BadHealthIsAnErrorWithReasonsOneALine) {
  const auto endpoints = Start(BothAtOnePlace(), Sources(false));
  const std::string reasons = "the last synchronisation failed\nnote: two\n";
  const int port = *endpoints->health_port();
  EXPECT_EQ(Get(port, "/healthz")->status, 500);
  EXPECT_EQ(Get(port, "/healthz")->body, "Unhealthy\n" + reasons);
  EXPECT_EQ(Get(port, "/readyz")->status, 503);
  EXPECT_EQ(Get(port, "/readyz")->body, "Not ready\n" + reasons);
  EXPECT_EQ(Get(port, "/livez")->status, 500);
  EXPECT_EQ(Get(port, "/livez")->body, "Not alive\n" + reasons);
}

TEST(HttpEndpointsTest, EachPageAsksForItsOwnPartOfTheVerdict) {
  HttpEndpointSources sources = Sources();
  sources.health = [] {
    HealthVerdict verdict;
    verdict.healthy = false;
    return verdict;
  };
  const auto endpoints = Start(BothAtOnePlace(), sources);
  const int port = *endpoints->health_port();
  EXPECT_EQ(Get(port, "/livez")->status, 200);
  EXPECT_EQ(Get(port, "/healthz")->status, 500);
  EXPECT_EQ(Get(port, "/readyz")->status, 503);
}

TEST(HttpEndpointsTest, OnePlaceHasAllPagesAndOtherPathsAreNamed) {
  HttpEndpointOptions options = BothAtOnePlace();
  options.metrics_path = "/own/metrics";
  const auto endpoints = Start(options, Sources());
  const int port = *endpoints->health_port();
  EXPECT_EQ(endpoints->metrics_port(), port);
  const httplib::Result metrics = Get(port, "/own/metrics");
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->body, "# HELP x y\n");
  EXPECT_EQ(metrics->get_header_value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(Get(port, "/metrics")->status, 404);
  EXPECT_THAT(Get(port, "/healthz/")->body,
              AllOf(HasSubstr("/healthz\n"), HasSubstr("/own/metrics\n")));
}

TEST(HttpEndpointsTest, TwoPlacesHaveTheirOwnPages) {
  HttpEndpointOptions options = BothAtOnePlace();
  options.metrics_address = "localhost";
  const auto endpoints = Start(options, Sources());
  ASSERT_NE(endpoints->health_port(), endpoints->metrics_port());
  EXPECT_EQ(Get(*endpoints->health_port(), "/metrics")->status, 404);
  httplib::Client client("localhost", *endpoints->metrics_port());
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  EXPECT_EQ(client.Get("/healthz")->status, 404);
}

TEST(HttpEndpointsTest, WithoutAPortThereIsNoPage) {
  HttpEndpointOptions options = BothAtOnePlace();
  options.metrics_port.reset();
  const auto endpoints = Start(options, Sources());
  EXPECT_FALSE(endpoints->metrics_port().has_value());
  EXPECT_EQ(Get(*endpoints->health_port(), "/metrics")->status, 404);
  options.health_port.reset();
  const auto none = Start(options, Sources());
  EXPECT_FALSE(none->health_port().has_value());
}

TEST(HttpEndpointsTest, AllAddressesAreThoseOfBothFamilies) {
  HttpEndpointOptions options;
  options.health_port = 0;
  const auto endpoints = Start(options, Sources());
  EXPECT_EQ(Get(*endpoints->health_port(), "/healthz")->status, 200);
  const int ipv6 = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 loopback = {};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool has_ipv6 =
      ipv6 >= 0 &&
      bind(ipv6, reinterpret_cast<sockaddr*>(&loopback), sizeof(loopback)) == 0;
  close(ipv6);
  if (!has_ipv6) return;
  httplib::Client client("::1", *endpoints->health_port());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
}

TEST(HttpEndpointsTest, PlaceThatIsTakenOrNotOursIsAnErrorThatNamesIt) {
  const auto first = Start(BothAtOnePlace(), Sources());
  HttpEndpointOptions options = BothAtOnePlace();
  options.health_port = first->health_port();
  const absl::Status taken = HttpEndpoints::Start(options, Sources()).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()),
              AllOf(HasSubstr("127.0.0.1 port " +
                              std::to_string(*first->health_port())),
                    HasSubstr("in use"), HasSubstr("another port")));
  options = BothAtOnePlace();
  options.metrics_address = "192.0.2.1";
  const absl::Status strange =
      HttpEndpoints::Start(options, Sources()).status();
  EXPECT_EQ(strange.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(strange.message()), HasSubstr("192.0.2.1"));
  EXPECT_EQ(Get(*first->health_port(), "/healthz")->status, 200);
}

TEST(HttpEndpointsTest, OnlyReadingIsAnswered) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  httplib::Client client(kHere, *endpoints->health_port());
  const httplib::Result posted = client.Post("/healthz", "x", "text/plain");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 405);
  const httplib::Result head = client.Head("/healthz");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST(HttpEndpointsTest, RequestWithoutEndIsCutOffAndOthersAreAnswered) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  const int port = *endpoints->health_port();
  RawConnection flood(port);
  flood.Send("GET /healthz HTTP/1.1\r\n");
  bool taken = true;
  for (int i = 0; taken && i < 100'000; ++i)
    taken = flood.Send("X-Header-" + std::to_string(i) + ": " +
                       std::string(1000, 'x') + "\r\n");
  EXPECT_FALSE(taken) << "a hundred megabytes were read";
  EXPECT_EQ(Get(port, "/healthz")->status, 200);
}

TEST(HttpEndpointsTest, ConnectionsThatSayNothingAreClosedAndOthersAnswered) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  const int port = *endpoints->health_port();
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 6; ++i)
    silent.push_back(std::make_unique<RawConnection>(port));
  silent.front()->Send("GET /hea");
  const httplib::Result result = Get(port, "/healthz");
  ASSERT_TRUE(result) << httplib::to_string(result.error());
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(silent.front()->ReadAll(), Not(HasSubstr("and waits")));
  EXPECT_EQ(silent.back()->ReadAll(), "");
}

TEST(HttpEndpointsTest, ManyPartsOfAPageAreThePage) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  std::string ranges = "bytes=0-0";
  for (int i = 0; i < 500; ++i) ranges += ",0-0";
  httplib::Client client(kHere, *endpoints->health_port());
  const httplib::Result result = client.Get("/metrics", {{"Range", ranges}});
  ASSERT_TRUE(result) << httplib::to_string(result.error());
  EXPECT_EQ(result->body, "# HELP x y\n");
}

TEST(HttpEndpointsTest, ReplyEndsTheConnection) {
  const auto endpoints = Start(BothAtOnePlace(), Sources());
  RawConnection connection(*endpoints->health_port());
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
  ASSERT_TRUE(connection.Send(request + request));
  const std::string reply = connection.ReadAll();
  EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 200 OK"),
                           HasSubstr("Connection: close"), HasSubstr("OK\n")));
  EXPECT_EQ(reply.find("HTTP/1.1", 8), std::string::npos);
}

TEST(HttpEndpointsTest, EndWaitsForAnswersAndFreesThePort) {
  std::atomic<int> answered{0};
  HttpEndpointSources sources = Sources();
  sources.metrics = [&] {
    ++answered;
    return std::string("x\n");
  };
  int port = 0;
  {
    const auto endpoints = Start(BothAtOnePlace(), sources);
    port = *endpoints->health_port();
    EXPECT_EQ(Get(port, "/metrics")->body, "x\n");
  }
  EXPECT_EQ(answered, 1);
  EXPECT_FALSE(Get(port, "/healthz"));
  HttpEndpointOptions again = BothAtOnePlace();
  again.health_port = again.metrics_port = port;
  EXPECT_EQ(*Start(again, Sources())->health_port(), port);
}

TEST(HttpEndpointOptionsTest, DefaultsAreKubeRouters) {
  const absl::StatusOr<HttpEndpointOptions> options =
      MakeHttpEndpointOptions(Flags());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->health_address, "");
  EXPECT_EQ(options->health_port, 20244);
  EXPECT_FALSE(options->metrics_port.has_value());
  EXPECT_EQ(options->metrics_path, "/metrics");
}

TEST(HttpEndpointOptionsTest, FlagsAreJudged) {
  Flags flags;
  flags.health_addr = "10.0.0.1";
  flags.health_port = 0;
  flags.metrics_addr = "10.0.0.2";
  flags.metrics_port = 8080;
  flags.metrics_path = "/m";
  const absl::StatusOr<HttpEndpointOptions> options =
      MakeHttpEndpointOptions(flags);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_FALSE(options->health_port.has_value());
  EXPECT_EQ(options->health_address, "10.0.0.1");
  EXPECT_EQ(options->metrics_address, "10.0.0.2");
  EXPECT_EQ(options->metrics_port, 8080);
  EXPECT_EQ(options->metrics_path, "/m");
}

TEST(HttpEndpointOptionsTest, WhatCannotBeServedIsRefusedWithTheFlag) {
  for (const std::string path :
       {"", "metrics", "/a b", "/a?b", "/a%20", "/healthz", "/livez"}) {
    Flags flags;
    flags.metrics_path = path;
    const absl::Status status = MakeHttpEndpointOptions(flags).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("--metrics-path \"" + path + "\""));
  }
  Flags flags;
  flags.health_port = 65536;
  EXPECT_THAT(std::string(MakeHttpEndpointOptions(flags).status().message()),
              HasSubstr("--health-port \"65536\""));
  flags = Flags();
  flags.metrics_port = -1;
  EXPECT_THAT(std::string(MakeHttpEndpointOptions(flags).status().message()),
              HasSubstr("--metrics-port \"-1\""));
}

}  // namespace
}  // namespace netpol
