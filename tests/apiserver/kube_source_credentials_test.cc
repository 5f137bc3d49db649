// How KubeSource proves to a real API server who it is, how the server proves
// itself, and what happens when any of that is replaced while it runs.
#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/apiserver/server_fixture.h"

namespace netpol {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOldToken[] = "old-token-of-agent";
constexpr char kNewToken[] = "new-token-of-agent";

class KubeSourceCredentialsTest : public ServerTest {
 protected:
  static void SetUpTestSuite() {
    ControlPlaneOptions options;
    options.authorization_mode = "AlwaysAllow";
    options.users = {{"agent", kOldToken}};
    StartControlPlane(std::move(options));
  }

  void SetUp() override {
    ServerTest::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(WriteSmallCluster());
    options_ = SourceOptions();
    options_.server.token.clear();
  }

  std::string File(const std::string& name) {
    return absl::StrCat(server().folder(), "/", name);
  }

  void WriteFile(const std::string& name, const std::string& text) {
    Succeed(ReplaceFile(File(name), text));
  }

  void RestartWithToken(const std::string& token) {
    Succeed(server().SetUsers({{"agent", token}}));
    if (source_ == nullptr) return Succeed(server().RestartServer());
    Succeed(source_->PollDuring([this] { return server().RestartServer(); }));
  }

  void FollowNow() {
    source_ = Follow(options_);
    ASSERT_NE(source_, nullptr);
  }

  // A change arrives, and nothing was listed anew for it.
  void CheckChangesArrive(int pod) {
    Succeed(writer().ApplyEvent(Upsert(BackPod(pod))));
    Succeed(source_->AwaitSame(writer()));
    Succeed(source_->AwaitWell());
  }

  void CheckNoSecretWasTold() {
    for (const std::vector<std::string>* texts :
         {&source_->errors(), &source_->notices()}) {
      EXPECT_THAT(*texts, Each(Not(HasSubstr(kOldToken))));
      EXPECT_THAT(*texts, Each(Not(HasSubstr(kNewToken))));
    }
  }

  void CheckAsked(const std::string& user) {
    const std::vector<AuditedRequest> all =
        audit().RequestsOf(options_.program);
    ASSERT_THAT(all, Not(IsEmpty()));
    EXPECT_THAT(all, Each(Field(&AuditedRequest::user, user)));
  }

  KubeSourceOptions options_;
  std::unique_ptr<PolledSource> source_;
};

TEST_F(KubeSourceCredentialsTest, ARotatedTokenFileIsReadAgain) {
  RestartWithToken(kOldToken);
  WriteFile("token", kOldToken);
  options_.server.token_file = File("token");
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  CheckAsked("agent");

  RestartWithToken(kNewToken);
  Succeed(source_->PollUntil([this] { return source_->HasError("HTTP 401"); }));
  EXPECT_TRUE(
      source_->HasError("renew the credentials of kubeconfig of the test"));
  EXPECT_EQ(source_->Sync(), 0u);
  WriteFile("token", kNewToken);
  Succeed(source_->AwaitWell());
  CheckChangesArrive(3);
  CheckNoSecretWasTold();
}

TEST_F(KubeSourceCredentialsTest, ATokenThatWasReplacedInTimeCostsNoRefusal) {
  RestartWithToken(kOldToken);
  WriteFile("token", kOldToken);
  options_.server.token_file = File("token");
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  WriteFile("token", kNewToken);
  RestartWithToken(kNewToken);
  CheckChangesArrive(3);
  EXPECT_FALSE(source_->HasError("401"));
}

TEST_F(KubeSourceCredentialsTest, AClientCertificateSaysWhoAsks) {
  const TestCertificate pair =
      server().ClientCertificate("operator", {"operators"});
  WriteFile("operator.crt", pair.certificate);
  WriteFile("operator.key", pair.key);
  options_.server.client_certificate.file = File("operator.crt");
  options_.server.client_key.file = File("operator.key");
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  CheckAsked("operator");
  CheckChangesArrive(3);
}

TEST_F(KubeSourceCredentialsTest, AnExecPluginIsAskedAgainWhenItsTokenIsOver) {
  RestartWithToken(kOldToken);
  WriteFile("plugin-token", kOldToken);
  WriteFile("plugin.sh", R"sh(
printf '{"apiVersion": "client.authentication.k8s.io/v1",
"kind": "ExecCredential", "status": {"token": "%s"}}' "$(cat "$TOKEN_FILE")"
)sh");
  ExecPluginConfig plugin;
  plugin.command = "/bin/sh";
  plugin.args = {File("plugin.sh")};
  plugin.env = {{"TOKEN_FILE", File("plugin-token")}};
  plugin.api_version = "client.authentication.k8s.io/v1";
  options_.server.exec = plugin;
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  CheckAsked("agent");

  WriteFile("plugin-token", kNewToken);
  RestartWithToken(kNewToken);
  CheckChangesArrive(3);
  CheckNoSecretWasTold();
}

TEST_F(KubeSourceCredentialsTest, ANewServingCertificateIsAccepted) {
  options_.server.token = server().AdminAccess().token;
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  Succeed(server().RotateServingCertificate());
  relay().Cut();
  Succeed(source_->AwaitFailing());
  Succeed(relay().Join());
  CheckChangesArrive(3);
  EXPECT_THAT(source_->ToldOf("LIST"), IsEmpty());
  EXPECT_FALSE(source_->HasError("certificate-authority"));
}

TEST_F(KubeSourceCredentialsTest, ANewAuthorityIsReadFromItsFile) {
  const std::string old_authority = server().ca_pem();
  WriteFile("trusted.crt", old_authority);
  options_.server.token = server().AdminAccess().token;
  options_.server.certificate_authority.file = File("trusted.crt");
  ASSERT_NO_FATAL_FAILURE(FollowNow());
  Succeed(server().RotateServingAuthority());
  relay().Cut();
  Succeed(relay().Join());
  // It does not trust whoever comes.
  Succeed(source_->PollUntil(
      [this] { return source_->HasError("check certificate-authority"); }));
  Succeed(source_->AwaitFailing());
  WriteFile("trusted.crt", server().ca_pem());
  Succeed(source_->AwaitWell());
  // The connections of the test itself, too, are of the old authority.
  ApiWriter fresh(server().AdminAccess());
  Succeed(fresh.ApplyEvent(Upsert(BackPod(3))));
  Succeed(source_->AwaitSame(fresh));
  EXPECT_THAT(source_->ToldOf("LIST"), IsEmpty());
}

}  // namespace
}  // namespace netpol
