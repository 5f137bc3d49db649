// Who is believed, who is told the secrets, and what people read when it fails.
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

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpClientTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.user_agent = "test/1.0";
    credentials_.certificate_authority_pem = authority_.certificate();
  }

  // Asks `url` with a client of its own.
  absl::Status Get(const std::string& url) {
    auto client = HttpClient::Create(options_);
    if (!client.ok()) return client.status();
    HttpRequest request;
    request.url = url;
    sink_ = RecordingSink();
    (*client)->Start(request, credentials_, &sink_);
    if (!RunUntilDone(**client, sink_)) return absl::InternalError("no end");
    return *sink_.done;
  }

  // Asks a server that has this certificate.
  absl::Status GetFrom(const TestCertificate& certificate,
                       const std::string& client_authority = "") {
    server_ = std::make_unique<ScriptedServer>(
        ScriptedServerOptions{certificate, client_authority});
    server_->AnswerNext(ScriptedAnswer::Whole(200, "a/b", "body"));
    return Get(server_->Url("/"));
  }

  std::string HostPort() const {
    return absl::StrCat("127.0.0.1:", server_->port());
  }

  static void ExpectUnauthenticated(const absl::Status& status,
                                    const std::string& text) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }

  TestAuthority authority_{"authority"};
  TestAuthority other_{"other authority"};
  HttpClientOptions options_;
  Credentials credentials_;
  RecordingSink sink_;
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(HttpClientTlsTest, AcceptsCertificateOfTheAuthority) {
  EXPECT_TRUE(GetFrom(authority_.IssueServer()).ok());
  EXPECT_EQ(sink_.body, "body");
}

TEST_F(HttpClientTlsTest, AcceptsEitherAuthorityOfABundle) {
  credentials_.certificate_authority_pem =
      other_.certificate() + authority_.certificate();
  EXPECT_TRUE(GetFrom(authority_.IssueServer()).ok());
  EXPECT_TRUE(GetFrom(other_.IssueServer()).ok());
}

TEST_F(HttpClientTlsTest, RefusesUnknownAuthority) {
  const absl::Status status = GetFrom(other_.IssueServer());
  ExpectUnauthenticated(status, "unknown authority");
  ExpectUnauthenticated(status, HostPort());
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(HttpClientTlsTest, RefusesUnknownAuthorityByTheRootsOfTheSystem) {
  credentials_.certificate_authority_pem.clear();
  ExpectUnauthenticated(GetFrom(authority_.IssueServer()), "unknown authority");
}

TEST_F(HttpClientTlsTest, RefusesCertificateForAnotherName) {
  TestCertificateOptions certificate;
  certificate.dns_names = {"elsewhere.example"};
  ExpectUnauthenticated(GetFrom(authority_.Issue(certificate)),
                        "not for the name 127.0.0.1");
}

TEST_F(HttpClientTlsTest, RefusesExpiredCertificate) {
  TestCertificateOptions certificate;
  certificate.addresses = {"127.0.0.1"};
  certificate.from = -absl::Hours(2);
  certificate.to = -absl::Hours(1);
  ExpectUnauthenticated(GetFrom(authority_.Issue(certificate)), "has expired");
}

TEST_F(HttpClientTlsTest, RefusesCertificateOfTheFuture) {
  TestCertificateOptions certificate;
  certificate.addresses = {"127.0.0.1"};
  certificate.from = absl::Hours(1);
  certificate.to = absl::Hours(2);
  ExpectUnauthenticated(GetFrom(authority_.Issue(certificate)),
                        "not yet valid");
}

TEST_F(HttpClientTlsTest, SkipsVerificationWhenTold) {
  options_.insecure_skip_tls_verify = true;
  credentials_.certificate_authority_pem.clear();
  TestCertificateOptions certificate;
  certificate.dns_names = {"elsewhere.example"};
  EXPECT_TRUE(GetFrom(other_.Issue(certificate)).ok());
}

TEST_F(HttpClientTlsTest, ChecksTheServerNameInPlaceOfTheHost) {
  TestCertificateOptions certificate;
  certificate.dns_names = {"kubernetes.default.svc"};
  options_.tls_server_name = "kubernetes.default.svc";
  EXPECT_TRUE(GetFrom(authority_.Issue(certificate)).ok());
  ASSERT_EQ(server_->requests().size(), 1u);
  const ScriptedRequest request = server_->requests()[0];
  EXPECT_EQ(request.headers.at("host"), HostPort());
  EXPECT_EQ(request.tls_server_name, "kubernetes.default.svc");
  ExpectUnauthenticated(GetFrom(authority_.IssueServer()),
                        "not for the name kubernetes.default.svc");
}

TEST_F(HttpClientTlsTest, SaysThatTheAuthorityCannotBeRead) {
  credentials_.certificate_authority_pem = "no PEM";
  ExpectUnauthenticated(GetFrom(authority_.IssueServer()), "authority for ");
}

TEST_F(HttpClientTlsTest, ShowsItsClientCertificate) {
  const TestCertificate own = authority_.IssueClient("jane");
  credentials_.client_certificate_pem = own.certificate;
  credentials_.client_key_pem = own.key;
  EXPECT_TRUE(GetFrom(authority_.IssueServer(), authority_.certificate()).ok());
  ASSERT_EQ(server_->requests().size(), 1u);
  EXPECT_EQ(server_->requests()[0].client_name, "jane");
}

TEST_F(HttpClientTlsTest, SaysThatAClientCertificateIsWanted) {
  ExpectUnauthenticated(
      GetFrom(authority_.IssueServer(), authority_.certificate()),
      "refuses our client certificate, or wants one");
}

TEST_F(HttpClientTlsTest, SaysThatTheClientCertificateIsRefused) {
  const TestCertificate own = other_.IssueClient("jane");
  credentials_.client_certificate_pem = own.certificate;
  credentials_.client_key_pem = own.key;
  ExpectUnauthenticated(
      GetFrom(authority_.IssueServer(), authority_.certificate()),
      "refuses our client certificate");
}

TEST_F(HttpClientTlsTest, SaysThatTheClientCertificateCannotBeUsed) {
  const TestCertificate own = authority_.IssueClient("jane");
  const TestCertificate another = authority_.IssueClient("joe");
  const TestCertificate unusable[] = {
      {"no PEM", own.key},
      {own.certificate, "no PEM"},
      {own.certificate, another.key},
      // Nobody is there to type the pass phrase.
      {own.certificate, EncryptTestKey(own.key, "sesame")}};
  for (const TestCertificate& pair : unusable) {
    credentials_.client_certificate_pem = pair.certificate;
    credentials_.client_key_pem = pair.key;
    const absl::Status status = GetFrom(authority_.IssueServer());
    ExpectUnauthenticated(status, "our client certificate for 127.0.0.1");
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("BEGIN")));
  }
}

TEST_F(HttpClientTlsTest, SaysThatTheServerSpeaksNoTls) {
  ScriptedServer plain{ScriptedServerOptions()};
  plain.SabotageNextConnection(
      ScriptedAnswer().Send("HTTP/1.1 400 Bad Request\r\n\r\n").Close());
  const absl::Status status =
      Get(absl::StrCat("https://127.0.0.1:", plain.port()));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(absl::StrCat("127.0.0.1:", plain.port())),
                    HasSubstr("does not speak TLS")));
}

TEST_F(HttpClientTlsTest, SaysThatTheServerHungUpInsteadOfTls) {
  ScriptedServer plain{ScriptedServerOptions()};
  const std::string host_port = absl::StrCat("127.0.0.1:", plain.port());
  plain.SabotageNextConnection(ScriptedAnswer().Close());
  const absl::Status closed = Get("https://" + host_port);
  EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(closed.message()),
              HasSubstr("no TLS connection with " + host_port));
  // Too early to say more.
  plain.SabotageNextConnection(ScriptedAnswer().Reset());
  const absl::Status reset = Get("https://" + host_port);
  EXPECT_EQ(reset.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(reset.message()), HasSubstr(host_port));
}

TEST_F(HttpClientTlsTest, SendsSecretsToTheMachineItselfOverPlainHttp) {
  credentials_.authorization = "Bearer sesame";
  EXPECT_TRUE(GetFrom(TestCertificate()).ok());
  EXPECT_EQ(server_->requests().at(0).headers.at("authorization"),
            "Bearer sesame");
}

TEST_F(HttpClientTlsTest, SendsNoSecretsElsewhereOverPlainHttp) {
  credentials_.authorization = "Bearer sesame";
  const absl::Status status = Get("http://192.0.2.1:8080/");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("192.0.2.1:8080"), HasSubstr("plain http"),
                    Not(HasSubstr("sesame"))));
}

}  // namespace
}  // namespace netpol
