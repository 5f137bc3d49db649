// What can be wrong about the API server, through the real daemon: one line
// that says what to change, health that says so, a kernel that stays as it was,
// and all well as soon as it is mended.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/daemon_fixture.h"
#include "tests/watch/kube/scripted_answer.h"
#include "tests/watch/kube/scripted_server.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BadConfigurationTest : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(EnforceEarlier());
    before_ = KernelText();
  }

  // The daemon, as it is set up now, has the trouble that `line` begins with:
  // all of `words` are on one line of the log, and in its health.
  void ExpectTrouble(const std::string& line,
                     const std::vector<std::string>& words,
                     const std::vector<std::string>& flags = {}) {
    // Something that it cannot know of until it is mended.
    Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
    ASSERT_NO_FATAL_FAILURE(StartDaemon(flags));
    const std::string told = AwaitLog(line);
    for (const std::string& word : words) EXPECT_THAT(told, HasSubstr(word));
    std::vector<std::string> all = words;
    all.push_back(line);
    ASSERT_NO_FATAL_FAILURE(AwaitUnhealthy(all));
    EXPECT_EQ(Get("/readyz").status, 503);
    EXPECT_EQ(Get("/livez").status, 200);
    EXPECT_TRUE(IsAlive());
    EXPECT_EQ(KernelText(), before_);
  }

  void ExpectMended() {
    ASSERT_NO_FATAL_FAILURE(AwaitMember("10.42.1.3"));
    ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
    ASSERT_NO_FATAL_FAILURE(StopDaemon());
  }

  std::string before_;
};

TEST_F(BadConfigurationTest, TheCertificateOfAnotherAuthority) {
  const TestAuthority other("another");
  kubeconfig().ca_file = Put("ca.crt", other.certificate());
  ExpectTrouble("asking the API server",
                {way().url(), "certificate",
                 "check certificate-authority, server and client certificate "
                 "of kubeconfig",
                 kubeconfig_path()});
  Put("ca.crt", server().ca_pem());
  ExpectMended();
}

TEST_F(BadConfigurationTest, ATokenThatTheServerDoesNotKnow) {
  constexpr char kToken[] = "something-that-nobody-may-read";
  kubeconfig().token_file = Put("token", kToken);
  ExpectTrouble("refuses to",
                {way().url(), "HTTP 401",
                 "the token or certificate is not accepted: renew the "
                 "credentials of kubeconfig",
                 kubeconfig_path()});
  EXPECT_THAT(Get("/healthz").body, Not(HasSubstr(kToken)));
  Put("token", server().AdminAccess().token);
  ExpectMended();
}

TEST_F(BadConfigurationTest, AClientCertificateOfAnotherAuthority) {
  const TestAuthority other("another");
  const TestCertificate bad = other.IssueClient("admin");
  kubeconfig().token_file.clear();
  kubeconfig().client_certificate_file = Put("client.crt", bad.certificate);
  kubeconfig().client_key_file = Put("client.key", bad.key);
  ExpectTrouble("refuses to", {"HTTP 401",
                               "renew the credentials of "
                               "kubeconfig",
                               kubeconfig_path()});
  const TestCertificate good =
      server().ClientCertificate("admin", {"system:masters"});
  Put("client.crt", good.certificate);
  Put("client.key", good.key);
  ExpectMended();
}

TEST_F(BadConfigurationTest, AServerThatIsNotThere) {
  way().Cut();
  ExpectTrouble(
      "asking the API server",
      {way().url(), "refused", "is it up, and is its address in kubeconfig",
       kubeconfig_path()});
  Succeed(way().Join());
  ExpectMended();
}

TEST_F(BadConfigurationTest, AServerThatGoesAwayLater) {
  ASSERT_NO_FATAL_FAILURE(StartDaemon());
  ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
  way().Cut();
  Succeed(writer().ApplyEvent(Upsert(BackPod(3))));
  // At first that is worth a word, and after a minute it is trouble.
  AwaitLog("asking the API server");
  EXPECT_EQ(Get("/healthz").status, 200);
  ASSERT_NO_FATAL_FAILURE(
      AwaitUnhealthy({"cannot be followed, for 1m", "refused",
                      "is it up, and is its address in kubeconfig",
                      "what was told before stays enforced"}));
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(Get("/livez").status, 200);
  EXPECT_EQ(KernelText(), before_);
  Succeed(way().Join());
  ExpectMended();
}

class WrongServerTest : public BadConfigurationTest {
 protected:
  void SetUp() override {
    BadConfigurationTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // Trusted as the API server is, which it is not.
    const TestAuthority authority("of the web server");
    ScriptedServerOptions options;
    options.certificate = authority.IssueServer();
    web_server_ = std::make_unique<ScriptedServer>(options);
    kubeconfig().ca_file =
        Put("ca.crt", server().ca_pem() + authority.certificate());
    Succeed(way().Join(static_cast<uint16_t>(web_server_->port())));
  }

  void Mend() { Succeed(way().Join(server().port())); }

  std::unique_ptr<ScriptedServer> web_server_;
};

TEST_F(WrongServerTest, AWebServerThatKnowsNoSuchPages) {
  ExpectTrouble("refuses to",
                {"HTTP 404",
                 absl::StrCat("is ", way().url(),
                              " the address of a Kubernetes API server?"),
                 "It is that of kubeconfig", kubeconfig_path()});
  Mend();
  ExpectMended();
}

TEST_F(WrongServerTest, AWebServerThatHasOnePageForAll) {
  for (const char* path :
       {"/api/v1/namespaces", "/api/v1/pods", "/api/v1/nodes",
        "/apis/networking.k8s.io/v1/networkpolicies"}) {
    web_server_->AlwaysAnswerPath(
        path, ScriptedAnswer::Whole(200, "text/html", "<h1>Welcome</h1>"));
  }
  ExpectTrouble("the answer of",
                {way().url(), "text/html", "not what an API server sends",
                 "check the address in kubeconfig", kubeconfig_path()});
  Mend();
  ExpectMended();
}

TEST_F(BadConfigurationTest, ANodeThatTheServerDoesNotKnow) {
  set_node("node-x");
  ExpectTrouble("there is no Node object \"node-x\"",
                {"--hostname-override or NODE_NAME"},
                {"--cache-sync-timeout=1s"});
  // Somebody else's rules are not this node's either, so none is checked.
  Succeed(writer().ApplyEvent(Upsert(NodeBuilder("node-x").Build())));
  ASSERT_NO_FATAL_FAILURE(AwaitHealthy());
  ASSERT_NO_FATAL_FAILURE(StopDaemon());
}

TEST_F(BadConfigurationTest, ANodeThatIsNotInitialized) {
  const char taint[] = "node.cloudprovider.kubernetes.io/uninitialized";
  Succeed(writer().ApplyEvent(Upsert(
      NodeBuilder("node-a").Address("172.31.0.1").Taint(taint).Build())));
  ExpectTrouble(absl::StrCat("Node node-a still has the taint ", taint),
                {"cloud controller manager"}, {"--cache-sync-timeout=1s"});
  Succeed(writer().ApplyEvent(
      Upsert(NodeBuilder("node-a").Address("172.31.0.1").Build())));
  ExpectMended();
}

}  // namespace
}  // namespace netpol
