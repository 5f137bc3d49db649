#include "tests/apiserver/presented_certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

absl::StatusOr<std::string> PresentedCertificate(uint16_t port) {
  const std::unique_ptr<SSL_CTX, Free> context(
      SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<BIO, Free> connection(
      BIO_new_ssl_connect(context.get()));
  BIO_set_conn_hostname(connection.get(),
                        absl::StrCat("127.0.0.1:", port).c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  if (ssl == nullptr || BIO_do_handshake(connection.get()) != 1) {
    return absl::UnavailableError(
        absl::StrCat("no TLS handshake with 127.0.0.1:", port));
  }
  const std::unique_ptr<X509, Free> certificate(SSL_get1_peer_certificate(ssl));
  const std::unique_ptr<BIO, Free> text(BIO_new(BIO_s_mem()));
  if (certificate == nullptr ||
      PEM_write_bio_X509(text.get(), certificate.get()) != 1) {
    return absl::UnavailableError(
        absl::StrCat("no certificate of 127.0.0.1:", port));
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace netpol
