// Which connections are opened, kept, shared and given up.
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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
using ::testing::Not;

// This process's end of a connection to `port`; -1: none.
int SocketTo(int port) {
  int found = -1;
  DIR* const directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
      found = fd;
    }
  }
  closedir(directory);
  return found;
}

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  getsockopt(fd, level, name, &value, &size);
  return value;
}

// No name server need be asked: such labels cannot be.
std::string NoSuchHost() { return std::string(64, 'x') + ".invalid"; }

class HttpClientConnectionsTest : public ::testing::Test {
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

  void StartUrl(const std::string& url, RecordingSink* sink) {
    HttpRequest request;
    request.url = url;
    client_->Start(request, credentials_, sink);
  }

  absl::Status GetUrl(const std::string& url) {
    RecordingSink sink;
    StartUrl(url, &sink);
    if (!RunUntilDone(*client_, sink)) return absl::InternalError("no end");
    return *sink.done;
  }

  absl::Status Get() {
    server_.AnswerNext(ScriptedAnswer::Whole(200, "a/b", "body"));
    return GetUrl(server_.Url("/"));
  }

  // A watch that has sent "one" and waits for "go" to send "two".
  void StartWatch(RecordingSink* sink) {
    ScriptedAnswer answer = ScriptedAnswer::Chunked(200, "a/b");
    server_.AnswerNext(
        answer.Chunk("one").WaitFor("go").Chunk("two").EndChunks());
    StartUrl(server_.Url("/watch"), sink);
    ASSERT_TRUE(RunUntil(*client_, [&] { return sink->body == "one"; }));
  }

  TestAuthority authority_{"authority"};
  ScriptedServer server_{{authority_.IssueServer(), ""}};
  Credentials credentials_;
  HttpClientOptions options_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientConnectionsTest, NextRequestUsesTheSameConnection) {
  EXPECT_TRUE(Get().ok());
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(HttpClientConnectionsTest, AnotherTokenUsesTheSameConnection) {
  credentials_.authorization = "Bearer one";
  EXPECT_TRUE(Get().ok());
  credentials_.authorization = "Bearer two";
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 1);
  EXPECT_EQ(server_.requests()[1].headers.at("authorization"), "Bearer two");
}

TEST_F(HttpClientConnectionsTest, Http11NeedsOneForEachRunningRequest) {
  RecordingSink watch;
  StartWatch(&watch);
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(HttpClientConnectionsTest, OtherTlsGenerationGetsItsOwn) {
  RecordingSink watch;
  StartWatch(&watch);
  EXPECT_TRUE(Get().ok());
  ++credentials_.tls_generation;
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 3);
  // What runs goes on; the rest of the old ones go when it has ended.
  server_.GoOn("go");
  ASSERT_TRUE(RunUntilDone(*client_, watch));
  EXPECT_EQ(watch.body, "onetwo");
  EXPECT_TRUE(server_.WaitForOpenConnections(1));
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 3);
}

TEST_F(HttpClientConnectionsTest, NewClientCertificateIsShownAtOnce) {
  server_.Restart({authority_.IssueServer(), authority_.certificate()});
  for (const char* user : {"jane", "joe"}) {
    const TestCertificate own = authority_.IssueClient(user);
    ++credentials_.tls_generation;
    credentials_.client_certificate_pem = own.certificate;
    credentials_.client_key_pem = own.key;
    EXPECT_TRUE(Get().ok());
    EXPECT_EQ(server_.requests().back().client_name, user);
  }
}

TEST_F(HttpClientConnectionsTest, NewAuthorityIsBelievedAtOnce) {
  EXPECT_TRUE(Get().ok());
  const TestAuthority next("next authority");
  server_.Restart({next.IssueServer(), ""});
  EXPECT_EQ(Get().code(), absl::StatusCode::kUnauthenticated);
  credentials_.certificate_authority_pem = next.certificate();
  ++credentials_.tls_generation;
  server_.ForgetAnswers();
  EXPECT_TRUE(Get().ok());
}

TEST_F(HttpClientConnectionsTest, ClosedIdleConnectionIsReplaced) {
  EXPECT_TRUE(Get().ok());
  server_.Restart();
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(HttpClientConnectionsTest, SaysThatTheConnectionIsRefused) {
  server_.Stop();
  const absl::Status status = GetUrl(server_.Url("/"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(status.message()),
            absl::StrCat("cannot connect to 127.0.0.1:", server_.port(),
                         ": Connection refused"));
}

TEST_F(HttpClientConnectionsTest, SaysThatThereIsNoSuchHost) {
  options_.no_proxy = true;
  Create();
  const absl::Status status =
      GetUrl(absl::StrCat("https://", NoSuchHost(), ":6443/"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(
      std::string(status.message()),
      absl::StrCat("cannot connect to ", NoSuchHost(), ":6443: no such host"));
}

TEST_F(HttpClientConnectionsTest, RefusesWhatIsNoUrl) {
  EXPECT_EQ(GetUrl("127.0.0.1:6443/x y").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetUrl("file:///etc/hosts").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(HttpClientConnectionsTest, DeadConnectionsWillBeNoticed) {
  RecordingSink watch;
  StartWatch(&watch);
  const int fd = SocketTo(server_.port());
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 45'000);
}

class HttpClientProxyTest : public HttpClientConnectionsTest {
 protected:
  void SetUp() override {
    HttpClientConnectionsTest::SetUp();
    setenv("https_proxy", proxy_.Url().c_str(), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    credentials_.authorization = "Bearer sesame";
  }
  void TearDown() override { unsetenv("https_proxy"); }

  void ExpectRefusedByProxy(const std::string& url) {
    proxy_.AnswerNext(ScriptedAnswer::Whole(403, "a/b", "").Close());
    const absl::Status status = GetUrl(url);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("proxy"));
    ASSERT_EQ(proxy_.requests().size(), 1u);
    EXPECT_EQ(proxy_.requests()[0].method, "CONNECT");
    EXPECT_EQ(proxy_.requests()[0].headers.count("authorization"), 0u);
  }

  ScriptedServer proxy_{ScriptedServerOptions()};
};

TEST_F(HttpClientProxyTest, EnvironmentNamesTheProxy) {
  ExpectRefusedByProxy("https://api.example.com:6443/");
  EXPECT_EQ(proxy_.requests()[0].target, "api.example.com:6443");
}

TEST_F(HttpClientProxyTest, EnvironmentMayExemptTheServer) {
  setenv("no_proxy", ".invalid", 1);
  EXPECT_THAT(
      std::string(
          GetUrl(absl::StrCat("https://", NoSuchHost(), "/")).message()),
      HasSubstr("no such host"));
  EXPECT_EQ(proxy_.connections(), 0);
}

TEST_F(HttpClientProxyTest, OwnProxyCountsMoreThanTheEnvironment) {
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  setenv("no_proxy", "*", 1);
  options_.proxy_url = proxy_.Url();
  Create();
  ExpectRefusedByProxy("https://api.example.com:6443/");
}

TEST_F(HttpClientProxyTest, ServerNameGoesThroughTheProxyToTheHost) {
  options_.tls_server_name = "kubernetes.default.svc";
  Create();
  ExpectRefusedByProxy("https://192.0.2.1:6443/");
  EXPECT_EQ(proxy_.requests()[0].target, "192.0.2.1:6443");
}

TEST_F(HttpClientProxyTest, NoProxyMeansNone) {
  options_.no_proxy = true;
  Create();
  EXPECT_THAT(
      std::string(
          GetUrl(absl::StrCat("https://", NoSuchHost(), "/")).message()),
      HasSubstr("no such host"));
  EXPECT_EQ(proxy_.connections(), 0);
}

TEST_F(HttpClientProxyTest, LoopbackNeedsNoProxyOfTheEnvironment) {
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(proxy_.connections(), 0);
}

TEST_F(HttpClientProxyTest, ProxySeesNoSecretsOverPlainHttp) {
  options_.proxy_url = proxy_.Url();
  Create();
  EXPECT_EQ(GetUrl("http://127.0.0.1:8080/").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(proxy_.connections(), 0);
}

TEST_F(HttpClientProxyTest, RefusesProxyUrlsWithoutRepeatingThem) {
  for (const char* url :
       {"ftp://me:sesame@192.0.2.1", "http://me:sesame@a b"}) {
    options_.proxy_url = url;
    Create();
    const absl::Status status = GetUrl("https://192.0.2.1:6443/");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr("URL of the proxy"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("sesame")));
  }
}

TEST_F(HttpClientProxyTest, SaysThatTheProxyIsNotToBeFound) {
  options_.proxy_url = absl::StrCat("http://me:sesame@", NoSuchHost(), ":3128");
  Create();
  const absl::Status status = GetUrl("https://192.0.2.1:6443/");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("proxy"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:6443"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace netpol
