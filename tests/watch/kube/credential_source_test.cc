#include "netpol/watch/kube/credential_source.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/watch/kube/credential_source_fixture.h"
#include "tests/watch/kube/test_certificates.h"

namespace netpol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(CredentialSourceTest, NothingIsSentWithoutConfiguration) {
  const auto got = Get(absl::ZeroDuration());
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->authorization, "");
  EXPECT_EQ(got->tls_generation, 0u);
  EXPECT_EQ(got->certificate_authority_pem, "");
  EXPECT_EQ(got->client_certificate_pem, "");
  EXPECT_EQ(source_->fd(), -1);
}

TEST_F(CredentialSourceTest, TokenIsABearer) {
  config_.token = "secret";
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer secret");
}

TEST_F(CredentialSourceTest, UserAndPasswordAreBasic) {
  config_.username = "Aladdin";
  config_.password = "open sesame";
  EXPECT_EQ(Authorization(absl::ZeroDuration()),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

class TokenFileTest : public CredentialSourceTest {
 protected:
  void SetUp() override { config_.token_file = folder_.In("token"); }
};

TEST_F(TokenFileTest, IsTrimmedAndReadAgainOnceAMinute) {
  folder_.Write("token", " one\n");
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  folder_.Write("token", "two\n");
  EXPECT_EQ(Authorization(absl::Seconds(59)), "Bearer one");
  EXPECT_EQ(Authorization(absl::Seconds(60)), "Bearer two");
}

TEST_F(TokenFileTest, OldTokenIsKeptWhileTheFileHasNone) {
  folder_.Write("token", "one");
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  folder_.Write("token", "\n");
  EXPECT_EQ(Authorization(absl::Minutes(2)), "Bearer one");
  folder_.Remove("token");
  EXPECT_EQ(Authorization(absl::Minutes(4)), "Bearer one");
  folder_.Write("token", "two");
  EXPECT_EQ(Authorization(absl::Minutes(5)), "Bearer two");
}

TEST_F(TokenFileTest, WithoutAnyTokenTheErrorNamesTheFile) {
  const auto missing = Get(absl::ZeroDuration());
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(missing), HasSubstr(folder_.In("token")));
  folder_.Write("token", "");
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              AllOf(HasSubstr(folder_.In("token")), HasSubstr("empty")));
  folder_.Write("token", "hunter2\nhunter2");
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              AllOf(HasSubstr(folder_.In("token")), Not(HasSubstr("hunter2"))));
  folder_.Write("token", std::string(100000, 'x'));
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              HasSubstr(folder_.In("token")));
  folder_.Write("token", "good");
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer good");
}

TEST_F(TokenFileTest, CountsMoreThanTheTokenOnceItIsThere) {
  config_.token = "fallback";
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer fallback");
  folder_.Write("token", "file");
  EXPECT_EQ(Authorization(absl::Minutes(1)), "Bearer file");
  folder_.Remove("token");
  EXPECT_EQ(Authorization(absl::Minutes(3)), "Bearer file");
}

TEST_F(TokenFileTest, IsReadAgainWhenTheClockWasSetBack) {
  folder_.Write("token", "one");
  EXPECT_EQ(Authorization(absl::Hours(5)), "Bearer one");
  folder_.Write("token", "two");
  EXPECT_EQ(Authorization(absl::Hours(1)), "Bearer two");
}

TEST_F(TokenFileTest, RefusedTokenIsReadAgainAtOnceButNotAllTheTime) {
  folder_.Write("token", "one");
  EXPECT_EQ(Authorization(absl::ZeroDuration()), "Bearer one");
  folder_.Write("token", "two");
  Refuse(absl::Seconds(1));
  EXPECT_EQ(Authorization(absl::Seconds(1)), "Bearer two");
  folder_.Write("token", "three");
  Refuse(absl::Seconds(2));
  Refuse(absl::Seconds(3));
  EXPECT_EQ(Authorization(absl::Seconds(10)), "Bearer two");
  EXPECT_EQ(Authorization(absl::Seconds(11)), "Bearer three");
}

TEST_F(TokenFileTest, RefusalOfWhatIsNoLongerSentChangesNothing) {
  folder_.Write("token", "one");
  ASSERT_TRUE(Get(absl::ZeroDuration()).ok());
  const Credentials old = last_;
  folder_.Write("token", "two");
  EXPECT_EQ(Authorization(absl::Minutes(1)), "Bearer two");
  folder_.Write("token", "three");
  source_->OnRefused(old, kCredentialsStart + absl::Minutes(1));
  EXPECT_EQ(Authorization(absl::Minutes(1)), "Bearer two");
}

class AuthorityTest : public CredentialSourceTest {
 protected:
  void SetUp() override {
    config_.certificate_authority.file = folder_.In("ca.crt");
    folder_.Write("ca.crt", authority_.certificate());
  }
  std::string Authority(absl::Duration at) {
    const auto got = Get(at);
    return got.ok() ? got->certificate_authority_pem : got.status().ToString();
  }
  const TestAuthority other_{"other"};
};

TEST_F(AuthorityTest, IsReadAgainEveryFiveMinutes) {
  EXPECT_EQ(Authority(absl::ZeroDuration()), authority_.certificate());
  folder_.Write("ca.crt", other_.certificate());
  EXPECT_EQ(Authority(absl::Seconds(299)), authority_.certificate());
  EXPECT_EQ(Authority(absl::Seconds(300)), other_.certificate());
}

TEST_F(AuthorityTest, GenerationGrowsWithChangesOnly) {
  const uint64_t first = Generation(absl::ZeroDuration());
  EXPECT_GT(first, 0u);
  folder_.Write("ca.crt", authority_.certificate());
  EXPECT_EQ(Generation(absl::Minutes(5)), first);
  folder_.Write("ca.crt", other_.certificate());
  EXPECT_EQ(Generation(absl::Minutes(10)), first + 1);
  EXPECT_EQ(Generation(absl::Minutes(15)), first + 1);
}

TEST_F(AuthorityTest, OldOneIsKeptWhileTheFileIsBrokenAndTriedAgainSoon) {
  EXPECT_EQ(Authority(absl::ZeroDuration()), authority_.certificate());
  // Half of a bundle.
  const std::string bundle = authority_.certificate() + other_.certificate();
  folder_.Write("ca.crt", bundle.substr(0, bundle.size() - 100));
  EXPECT_EQ(Authority(absl::Minutes(5)), authority_.certificate());
  folder_.Write("ca.crt", bundle);
  EXPECT_EQ(Authority(absl::Minutes(5) + absl::Seconds(9)),
            authority_.certificate());
  EXPECT_EQ(Authority(absl::Minutes(5) + absl::Seconds(10)), bundle);
}

TEST_F(AuthorityTest, WithoutAnyTheErrorNamesFileOrField) {
  folder_.Write("ca.crt", "nothing of use");
  EXPECT_THAT(
      MessageOf(Get(absl::ZeroDuration())),
      AllOf(HasSubstr(folder_.In("ca.crt")), HasSubstr("no PEM certificate")));
  folder_.Remove("ca.crt");
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              HasSubstr(folder_.In("ca.crt")));
  config_.certificate_authority.text = "nothing of use";
  config_.origin = "kubeconfig x, context y";
  Create();
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              HasSubstr("certificate-authority-data of kubeconfig x"));
  config_.certificate_authority.text = other_.certificate();
  Create();
  EXPECT_EQ(Authority(absl::ZeroDuration()), other_.certificate());
}

TEST_F(AuthorityTest, IsReadAgainWhenTheServerDidNotVerifyButNotAllTheTime) {
  EXPECT_EQ(Authority(absl::ZeroDuration()), authority_.certificate());
  folder_.Write("ca.crt", other_.certificate());
  source_->OnUnverified(kCredentialsStart + absl::Seconds(1));
  EXPECT_EQ(Authority(absl::Seconds(1)), other_.certificate());
  folder_.Write("ca.crt", authority_.certificate());
  source_->OnUnverified(kCredentialsStart + absl::Seconds(2));
  EXPECT_EQ(Authority(absl::Seconds(2)), other_.certificate());
  EXPECT_EQ(Authority(absl::Seconds(11)), authority_.certificate());
}

class ClientCertificateTest : public CredentialSourceTest {
 protected:
  void SetUp() override {
    config_.client_certificate.file = folder_.In("client.crt");
    config_.client_key.file = folder_.In("client.key");
    Write(one_);
  }
  void Write(const TestCertificate& pair) {
    folder_.Write("client.crt", pair.certificate);
    folder_.Write("client.key", pair.key);
  }
  void ExpectPair(absl::Duration at, const TestCertificate& pair) {
    const auto got = Get(at);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->client_certificate_pem, pair.certificate);
    EXPECT_EQ(got->client_key_pem, pair.key);
  }

  const TestCertificate one_ = authority_.IssueClient("one");
  const TestCertificate two_ = authority_.IssueClient("two");
};

TEST_F(ClientCertificateTest, IsReadAgainEveryFiveMinutes) {
  ExpectPair(absl::ZeroDuration(), one_);
  const uint64_t generation = last_.tls_generation;
  Write(two_);
  ExpectPair(absl::Seconds(299), one_);
  EXPECT_EQ(last_.tls_generation, generation);
  ExpectPair(absl::Seconds(300), two_);
  EXPECT_EQ(last_.tls_generation, generation + 1);
  ExpectPair(absl::Seconds(600), two_);
  EXPECT_EQ(last_.tls_generation, generation + 1);
}

TEST_F(ClientCertificateTest, HalvesThatDoNotFitAreNotTaken) {
  ExpectPair(absl::ZeroDuration(), one_);
  folder_.Write("client.crt", two_.certificate);
  ExpectPair(absl::Seconds(300), one_);
  folder_.Write("client.key", two_.key);
  ExpectPair(absl::Seconds(309), one_);
  ExpectPair(absl::Seconds(310), two_);
}

TEST_F(ClientCertificateTest, BothMayBeInOneFile) {
  folder_.Write("client.crt", one_.key + one_.certificate);
  config_.client_key.file = folder_.In("client.crt");
  const auto got = Get(absl::ZeroDuration());
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->client_key_pem, one_.key + one_.certificate);
}

TEST_F(ClientCertificateTest, TextIsTakenAsItIs) {
  config_.client_certificate = {.file = "", .text = two_.certificate};
  config_.client_key = {.file = "", .text = two_.key};
  ExpectPair(absl::ZeroDuration(), two_);
}

TEST_F(ClientCertificateTest, WithoutAnyTheErrorNamesTheFiles) {
  folder_.Write("client.key", two_.key);
  EXPECT_THAT(
      MessageOf(Get(absl::ZeroDuration())),
      AllOf(HasSubstr(folder_.In("client.crt")),
            HasSubstr(folder_.In("client.key")), HasSubstr("not the key")));
  folder_.Write("client.key", EncryptTestKey(one_.key, "hunter2"));
  EXPECT_THAT(
      MessageOf(Get(absl::ZeroDuration())),
      AllOf(HasSubstr(folder_.In("client.key")), HasSubstr("passphrase")));
  folder_.Remove("client.key");
  EXPECT_THAT(MessageOf(Get(absl::ZeroDuration())),
              HasSubstr(folder_.In("client.key")));
}

TEST_F(ClientCertificateTest, RefusedPairIsReadAgainAtOnce) {
  ExpectPair(absl::ZeroDuration(), one_);
  Write(two_);
  Refuse(absl::Seconds(1));
  ExpectPair(absl::Seconds(1), two_);
}

}  // namespace
}  // namespace netpol
