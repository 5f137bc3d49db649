#include "netpol/watch/kube/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "absl/cleanup/cleanup.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::unique_ptr<BIO, Free> Reader(absl::string_view pem) {
  return std::unique_ptr<BIO, Free>(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Without it OpenSSL would ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

std::unique_ptr<X509, Free> NextCertificate(BIO* bio) {
  return std::unique_ptr<X509, Free>(
      PEM_read_bio_X509(bio, nullptr, NoPassphrase, nullptr));
}

}  // namespace

absl::Status CheckCertificates(absl::string_view pem) {
  ERR_clear_error();
  // What is left there would be taken for an error of somebody else's TLS.
  const absl::Cleanup clear = [] { ERR_clear_error(); };
  const std::unique_ptr<BIO, Free> bio = Reader(pem);
  int count = 0;
  while (NextCertificate(bio.get()) != nullptr) ++count;
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError(
        "a certificate in it is broken or cut off");
  }
  if (count == 0) {
    return absl::InvalidArgumentError("there is no PEM certificate in it");
  }
  return absl::OkStatus();
}

absl::Status CheckKeyPair(absl::string_view certificate_pem,
                          absl::string_view key_pem) {
  RETURN_IF_ERROR(
      Annotate(CheckCertificates(certificate_pem), "the client certificate"));
  const absl::Cleanup clear = [] { ERR_clear_error(); };
  const std::unique_ptr<X509, Free> certificate =
      NextCertificate(Reader(certificate_pem).get());
  const std::unique_ptr<EVP_PKEY, Free> key(PEM_read_bio_PrivateKey(
      Reader(key_pem).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        "the client key: there is no PEM private key without passphrase in it");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(
        "the client key is not the key of the client certificate");
  }
  return absl::OkStatus();
}

}  // namespace netpol
