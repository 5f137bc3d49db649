#include "netpol/watch/kube/credential_source.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/bearer_token.h"
#include "netpol/watch/kube/exec_session.h"
#include "netpol/watch/kube/pem.h"
#include "netpol/watch/kube/small_file.h"

namespace netpol {
namespace {

constexpr absl::Duration kTokenInterval = absl::Minutes(1);
constexpr absl::Duration kPemInterval = absl::Minutes(5);
constexpr absl::Duration kRetryInterval = absl::Seconds(10);
constexpr size_t kMaxTokenBytes = 64 << 10;
constexpr size_t kMaxPemBytes = 4 << 20;

// When something is to be read again.
class Schedule {
 public:
  explicit Schedule(absl::Duration interval) : interval_(interval) {}

  // Also when the clock was set back.
  bool Due(absl::Time now) const { return now >= next_ || now < last_; }

  // It was read, well or not.
  void Done(absl::Time now, bool well) {
    last_ = now;
    next_ = now + (well ? interval_ : kRetryInterval);
    if (hurried_) last_hurry_ = now;
    hurried_ = false;
  }

  // It is to be read at once, unless that was asked for and done a moment ago.
  void Hurry(absl::Time now) {
    const absl::Time soonest =
        now < last_hurry_ ? now : std::max(now, last_hurry_ + kRetryInterval);
    if (soonest >= next_) return;
    next_ = soonest;
    hurried_ = true;
  }

 private:
  const absl::Duration interval_;
  absl::Time last_ = absl::InfinitePast();
  absl::Time next_ = absl::InfinitePast();
  absl::Time last_hurry_ = absl::InfinitePast();
  bool hurried_ = false;
};

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path, kMaxTokenBytes));
  absl::StatusOr<std::string> token = TrimmedToken(text);
  if (!token.ok()) return Annotate(token.status(), path);
  return token;
}

absl::StatusOr<std::string> ReadPem(const PemSource& source) {
  if (!source.text.empty()) return source.text;
  return ReadSmallFile(source.file, kMaxPemBytes);
}

// Where the text is, for messages.
std::string Place(const PemSource& source, absl::string_view field,
                  absl::string_view origin) {
  if (source.text.empty()) return source.file;
  return absl::StrCat(field, "-data of ", origin);
}

class CredentialSourceImpl : public CredentialSource {
 public:
  explicit CredentialSourceImpl(ApiServerConfig config)
      : config_(std::move(config)), token_(config_.token) {
    const bool has_own =
        !config_.token.empty() || !config_.token_file.empty() ||
        !config_.username.empty() || !config_.client_certificate.empty();
    if (config_.exec.has_value() && !has_own) exec_.emplace(*config_.exec);
  }

  absl::StatusOr<Credentials> Get(absl::Time now) override {
    RETURN_IF_ERROR(RefreshAuthority(now));
    RETURN_IF_ERROR(RefreshPair(now));
    RETURN_IF_ERROR(RefreshToken(now));
    Credentials credentials;
    credentials.certificate_authority_pem = authority_;
    credentials.client_certificate_pem = certificate_;
    credentials.client_key_pem = key_;
    std::string token = token_;
    if (exec_.has_value()) {
      ASSIGN_OR_RETURN(const ExecCredential got, exec_->Get(now));
      token = got.token;
      credentials.client_certificate_pem = got.client_certificate_pem;
      credentials.client_key_pem = got.client_key_pem;
    }
    if (!token.empty()) {
      credentials.authorization = absl::StrCat("Bearer ", token);
    } else if (!config_.username.empty()) {
      credentials.authorization =
          absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(
                                     config_.username, ":", config_.password)));
    }
    SetGeneration(&credentials);
    last_ = credentials;
    return credentials;
  }

  void OnRefused(const Credentials& refused, absl::Time now) override {
    // Somebody else's request has brought new ones meanwhile.
    if (refused.authorization != last_.authorization ||
        refused.tls_generation != last_.tls_generation) {
      return;
    }
    token_schedule_.Hurry(now);
    pair_schedule_.Hurry(now);
    if (exec_.has_value()) exec_->OnRefused();
  }

  void OnUnverified(absl::Time now) override { authority_schedule_.Hurry(now); }

  int fd() const override { return exec_.has_value() ? exec_->fd() : -1; }

 private:
  // Each of these keeps what it had if nothing better is to be had, and fails
  // only if it has nothing.
  absl::Status RefreshToken(absl::Time now) {
    if (config_.token_file.empty()) return absl::OkStatus();
    if (!token_.empty() && !token_schedule_.Due(now)) return absl::OkStatus();
    absl::StatusOr<std::string> token = ReadToken(config_.token_file);
    token_schedule_.Done(now, token.ok());
    if (token.ok()) token_ = *std::move(token);
    if (token.ok() || !token_.empty()) return absl::OkStatus();
    return Annotate(token.status(), "no token for the API server");
  }

  absl::Status RefreshAuthority(absl::Time now) {
    const PemSource& source = config_.certificate_authority;
    if (source.empty()) return absl::OkStatus();
    if (!authority_.empty() && !authority_schedule_.Due(now)) {
      return absl::OkStatus();
    }
    absl::StatusOr<std::string> pem = ReadPem(source);
    if (pem.ok()) {
      const absl::Status status =
          Annotate(CheckCertificates(*pem),
                   Place(source, "certificate-authority", config_.origin));
      if (!status.ok()) pem = status;
    }
    authority_schedule_.Done(now, pem.ok());
    if (pem.ok()) authority_ = *std::move(pem);
    if (pem.ok() || !authority_.empty()) return absl::OkStatus();
    return Annotate(pem.status(), "no authority to verify the API server");
  }

  absl::Status RefreshPair(absl::Time now) {
    if (config_.client_certificate.empty()) return absl::OkStatus();
    if (!key_.empty() && !pair_schedule_.Due(now)) return absl::OkStatus();
    const absl::Status status = ReadPair();
    pair_schedule_.Done(now, status.ok());
    if (!key_.empty()) return absl::OkStatus();
    return Annotate(status, "no client certificate for the API server");
  }

  // Both or none: while they are being replaced, they may not fit.
  absl::Status ReadPair() {
    ASSIGN_OR_RETURN(std::string certificate,
                     ReadPem(config_.client_certificate));
    ASSIGN_OR_RETURN(std::string key, ReadPem(config_.client_key));
    RETURN_IF_ERROR(Annotate(
        CheckKeyPair(certificate, key),
        absl::StrCat(Place(config_.client_certificate, "client-certificate",
                           config_.origin),
                     " and ",
                     Place(config_.client_key, "client-key", config_.origin))));
    certificate_ = std::move(certificate);
    key_ = std::move(key);
    return absl::OkStatus();
  }

  void SetGeneration(Credentials* credentials) const {
    const bool same =
        credentials->certificate_authority_pem ==
            last_.certificate_authority_pem &&
        credentials->client_certificate_pem == last_.client_certificate_pem &&
        credentials->client_key_pem == last_.client_key_pem;
    credentials->tls_generation = last_.tls_generation + (same ? 0 : 1);
  }

  const ApiServerConfig config_;
  absl::optional<ExecSession> exec_;

  std::string token_;
  std::string authority_;
  std::string certificate_;
  std::string key_;
  Schedule token_schedule_{kTokenInterval};
  Schedule authority_schedule_{kPemInterval};
  Schedule pair_schedule_{kPemInterval};
  Credentials last_;  // What Get() gave.
};

}  // namespace

std::unique_ptr<CredentialSource> CredentialSource::Create(
    ApiServerConfig config) {
  return std::make_unique<CredentialSourceImpl>(std::move(config));
}

}  // namespace netpol
