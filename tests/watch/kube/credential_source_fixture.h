// What the tests of credentials share: a source, and a time that they make.
#ifndef NETPOL_TESTS_WATCH_KUBE_CREDENTIAL_SOURCE_FIXTURE_H_
#define NETPOL_TESTS_WATCH_KUBE_CREDENTIAL_SOURCE_FIXTURE_H_

#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/credential_source.h"
#include "netpol/watch/kube/credentials.h"
#include "tests/watch/kube/test_certificates.h"
#include "tests/watch/kube/test_folder.h"

namespace netpol {

inline constexpr absl::Time kCredentialsStart =
    absl::FromUnixSeconds(1700000000);

// Fill in config_ before the first Get().
class CredentialSourceTest : public ::testing::Test {
 protected:
  void Create() { source_ = CredentialSource::Create(config_); }

  // What Get() gives at `at` after the start, waiting for a plugin.
  absl::StatusOr<Credentials> Get(absl::Duration at) {
    if (source_ == nullptr) Create();
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (true) {
      absl::StatusOr<Credentials> got = source_->Get(kCredentialsStart + at);
      if (!absl::IsUnavailable(got.status()) || absl::Now() > end) {
        if (got.ok()) last_ = *got;
        return got;
      }
      pollfd waiting = {source_->fd(), POLLIN, 0};
      poll(&waiting, 1, 1000);
    }
  }
  std::string Authorization(absl::Duration at) {
    const auto got = Get(at);
    return got.ok() ? got->authorization : got.status().ToString();
  }
  uint64_t Generation(absl::Duration at) {
    const auto got = Get(at);
    EXPECT_TRUE(got.ok()) << got.status();
    return got.ok() ? got->tls_generation : 0;
  }
  void Refuse(absl::Duration at) {
    source_->OnRefused(last_, kCredentialsStart + at);
  }

  const TestFolder folder_;
  const TestAuthority authority_{"ca"};
  ApiServerConfig config_;
  std::unique_ptr<CredentialSource> source_;
  Credentials last_;
};

inline std::string MessageOf(const absl::StatusOr<Credentials>& credentials) {
  return credentials.ok() ? "" : std::string(credentials.status().message());
}

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_CREDENTIAL_SOURCE_FIXTURE_H_
