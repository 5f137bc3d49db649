// Credentials that an exec plugin hands out, kept fresh.
#include <poll.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/credential_source.h"
#include "tests/watch/kube/credential_source_fixture.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The plugin prints what is in the file "output", and leaves a mark for each
// run.
class ExecCredentialsTest : public CredentialSourceTest {
 protected:
  void SetUp() override {
    config_.exec.emplace();
    config_.exec->api_version = "client.authentication.k8s.io/v1";
    config_.exec->command = folder_.WriteScript(
        "plugin", absl::StrCat("echo run >> '", folder_.In("runs"), "'\ncat '",
                               folder_.In("output"), "' || exit 5"));
    Print("one");
  }
  void Print(const std::string& token,
             absl::Duration expiration = absl::InfiniteDuration()) {
    std::string status = absl::StrCat("\"token\": \"", token, "\"");
    if (expiration != absl::InfiniteDuration()) {
      absl::StrAppend(
          &status, ", \"expirationTimestamp\": \"",
          absl::FormatTime(absl::RFC3339_sec, kCredentialsStart + expiration,
                           absl::UTCTimeZone()),
          "\"");
    }
    folder_.Write("output",
                  absl::StrCat("{\"kind\": \"ExecCredential\", \"apiVersion\": "
                               "\"client.authentication.k8s.io/v1\", "
                               "\"status\": {",
                               status, "}}"));
  }
  int Runs() const {
    const std::string runs = folder_.Read("runs");
    return static_cast<int>(std::count(runs.begin(), runs.end(), '\n'));
  }
  // A plugin that runs makes itself felt every 50 ms.
  bool IsRunning() const {
    pollfd waiting = {source_->fd(), POLLIN, 0};
    return poll(&waiting, 1, 200) > 0;
  }
  // Whether Get() gives that in the end, as a plugin in the background does.
  bool Becomes(absl::Duration at, const std::string& authorization) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (Authorization(at) != authorization) {
      if (absl::Now() > end) return false;
      pollfd waiting = {source_->fd(), POLLIN, 0};
      poll(&waiting, 1, 1000);
    }
    return true;
  }
};

TEST_F(ExecCredentialsTest, UnavailableUntilThePluginHasEnded) {
  Create();
  const auto first = source_->Get(kCredentialsStart);
  EXPECT_EQ(first.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(first), HasSubstr(config_.exec->command));
  pollfd waiting = {source_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 30000), 1);
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
}

TEST_F(ExecCredentialsTest, WithoutExpirationItRunsOnce) {
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  EXPECT_EQ(Authorization(absl::Hours(1000)), "Bearer one");
  EXPECT_FALSE(IsRunning());
  EXPECT_EQ(Runs(), 1);
}

TEST_F(ExecCredentialsTest, OtherCredentialsCountMore) {
  config_.token = "own";
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer own");
  EXPECT_EQ(source_->fd(), -1);
  config_.token.clear();
  config_.username = "jane";
  Create();
  EXPECT_THAT(Authorization(absl::ZeroDuration()), HasSubstr("Basic "));
  config_.username.clear();
  const TestCertificate client = authority_.IssueClient("jane");
  config_.client_certificate.text = client.certificate;
  config_.client_key.text = client.key;
  Create();
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "");
  EXPECT_EQ(Runs(), 0);
}

TEST_F(ExecCredentialsTest, IsRefreshedBehindWhatIsStillValid) {
  Print("one", absl::Hours(1));
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  Print("two", absl::Hours(2));
  EXPECT_EQ(Authorization(absl::Minutes(58)), "Bearer one");
  EXPECT_FALSE(IsRunning());
  // It has only been started.
  EXPECT_EQ(Authorization(absl::Minutes(59)), "Bearer one");
  EXPECT_TRUE(Becomes(absl::Minutes(59), "Bearer two"));
  EXPECT_EQ(Runs(), 2);
}

TEST_F(ExecCredentialsTest, ShortLivesAreRefreshedInTheirLastTenth) {
  Print("one", absl::Seconds(100));
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  Print("two", absl::Hours(2));
  EXPECT_EQ(Authorization(absl::Seconds(89)), "Bearer one");
  EXPECT_FALSE(IsRunning());
  EXPECT_TRUE(Becomes(absl::Seconds(90), "Bearer two"));
}

TEST_F(ExecCredentialsTest, ExpiredOnesAreNotGiven) {
  Print("one", absl::Hours(1));
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  Print("two", absl::Hours(2));
  EXPECT_EQ(source_->Get(kCredentialsStart + absl::Hours(1)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Authorization(absl::Hours(1)), "Bearer two");
}

TEST_F(ExecCredentialsTest, FailureIsToldAndTriedAgainEveryTenSeconds) {
  folder_.Remove("output");
  const auto failed = Get(absl::ZeroDuration());
  EXPECT_THAT(MessageOf(failed), AllOf(HasSubstr(config_.exec->command),
                                       HasSubstr("exit code 5")));
  Print("one");
  EXPECT_EQ(Get(absl::Seconds(9)).status(), failed.status());
  EXPECT_EQ(Runs(), 1);
  EXPECT_EQ(Authorization(absl::Seconds(10)), "Bearer one");
  EXPECT_EQ(Runs(), 2);
}

TEST_F(ExecCredentialsTest, MissingCommandIsToldAndTriedAgain) {
  const std::string command = config_.exec->command;
  config_.exec->command = folder_.In("later");
  config_.exec->install_hint = "get it";
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              AllOf(HasSubstr(folder_.In("later")), HasSubstr("get it")));
  folder_.WriteScript("later", absl::StrCat("exec '", command, "'"));
  EXPECT_EQ(Authorization(absl::Seconds(10)), "Bearer one");
}

TEST_F(ExecCredentialsTest, FailedRefreshKeepsWhatIsValid) {
  Print("one", absl::Hours(1));
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  Print("late", -absl::Hours(1));
  EXPECT_EQ(Authorization(absl::Minutes(59)), "Bearer one");
  EXPECT_THAT(MessageOf(Get(absl::Hours(1))), HasSubstr("check the clock"));
  Print("two", absl::Hours(2));
  EXPECT_EQ(Authorization(absl::Hours(1) + absl::Seconds(10)), "Bearer two");
}

TEST_F(ExecCredentialsTest, RefusalRunsItAgainAtOnceButNotAllTheTime) {
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  Refuse(absl::Seconds(1));
  EXPECT_EQ(source_->Get(kCredentialsStart + absl::Seconds(1)).status().code(),
            absl::StatusCode::kUnavailable);
  // The others of that time.
  Refuse(absl::Seconds(1));
  EXPECT_EQ(Authorization(absl::Seconds(1)), "Bearer one");
  EXPECT_EQ(Runs(), 2);
  Print("two");
  Refuse(absl::Seconds(2));
  EXPECT_EQ(Authorization(absl::Seconds(10)), "Bearer one");
  EXPECT_FALSE(IsRunning());
  EXPECT_EQ(Authorization(absl::Seconds(11)), "Bearer two");
  EXPECT_EQ(Runs(), 3);
}

TEST_F(ExecCredentialsTest, RefusedOnesAreNotGivenWhenThePluginFails) {
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  folder_.Remove("output");
  Refuse(absl::Seconds(1));
  EXPECT_THAT(MessageOf(Get(absl::Seconds(1))), HasSubstr("exit code 5"));
  Print("two");
  EXPECT_EQ(Authorization(absl::Seconds(11)), "Bearer two");
}

TEST_F(ExecCredentialsTest, CertificateOfThePluginRaisesTheGeneration) {
  config_.certificate_authority.text = authority_.certificate();
  const auto print = [this](const TestCertificate& client) {
    std::string text = absl::StrCat(
        "{\"kind\": \"ExecCredential\", \"apiVersion\": "
        "\"client.authentication.k8s.io/v1\", \"status\": {"
        "\"clientCertificateData\": \"",
        client.certificate, "\", \"clientKeyData\": \"", client.key, "\"}}");
    std::string escaped;
    for (const char c : text) escaped += c == '\n' ? "\\n" : std::string(1, c);
    folder_.Write("output", escaped);
  };
  const TestCertificate one = authority_.IssueClient("one");
  const TestCertificate two = authority_.IssueClient("two");
  print(one);
  const auto first = Get(absl::ZeroDuration());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->client_certificate_pem, one.certificate);
  EXPECT_EQ(first->client_key_pem, one.key);
  EXPECT_EQ(first->certificate_authority_pem, authority_.certificate());
  EXPECT_EQ(first->authorization, "");
  print(two);
  Refuse(absl::Seconds(1));
  const auto second = Get(absl::Seconds(1));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->client_key_pem, two.key);
  EXPECT_EQ(second->tls_generation, first->tls_generation + 1);
}

}  // namespace
}  // namespace netpol
