#include "tests/watch/kube/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

void Require(bool success, const char* what) {
  if (success) return;
  std::fprintf(stderr, "test certificates: %s failed\n", what);
  std::abort();
}

Bio Memory() { return Bio(BIO_new(BIO_s_mem()), BIO_free); }

Bio Memory(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
             BIO_free);
}

std::string TextOf(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, size);
}

std::string KeyText(const Key& key) {
  const Bio bio = Memory();
  Require(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                   nullptr, nullptr) == 1,
          "writing a key");
  return TextOf(bio);
}

Key ReadKey(const std::string& text) {
  Key key(
      PEM_read_bio_PrivateKey(Memory(text).get(), nullptr, nullptr, nullptr),
      EVP_PKEY_free);
  Require(key != nullptr, "reading a key");
  return key;
}

Certificate ReadCertificate(const std::string& text) {
  Certificate certificate(
      PEM_read_bio_X509(Memory(text).get(), nullptr, nullptr, nullptr),
      X509_free);
  Require(certificate != nullptr, "reading a certificate");
  return certificate;
}

void AddName(X509_NAME* name, const char* field, const std::string& value) {
  Require(X509_NAME_add_entry_by_txt(
              name, field, MBSTRING_UTF8,
              reinterpret_cast<const unsigned char*>(value.data()),
              static_cast<int>(value.size()), -1, 0) == 1,
          "naming a certificate");
}

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Require(extension != nullptr, "making a certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void SetSerial(X509* certificate) {
  uint64_t serial = 0;
  Require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial),
                     sizeof(serial)) == 1,
          "random numbers");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
}

// Without extensions, and not signed.
Certificate NewCertificate(const TestCertificateOptions& options,
                           const Key& key) {
  Certificate certificate(X509_new(), X509_free);
  X509* const raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  SetSerial(raw);
  X509_gmtime_adj(X509_getm_notBefore(raw), absl::ToInt64Seconds(options.from));
  X509_gmtime_adj(X509_getm_notAfter(raw), absl::ToInt64Seconds(options.to));
  X509_NAME* const name = X509_get_subject_name(raw);
  AddName(name, "CN", options.common_name);
  for (const std::string& organization : options.organizations) {
    AddName(name, "O", organization);
  }
  X509_set_pubkey(raw, key.get());
  return certificate;
}

TestCertificate Sign(const Certificate& certificate, const Key& key,
                     const Key& signer) {
  Require(X509_sign(certificate.get(), signer.get(), EVP_sha256()) > 0,
          "signing a certificate");
  const Bio bio = Memory();
  Require(PEM_write_bio_X509(bio.get(), certificate.get()) == 1,
          "writing a certificate");
  return {TextOf(bio), KeyText(key)};
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name) {
  TestCertificateOptions options;
  options.common_name = name;
  options.from = -absl::Hours(24);
  options.to = absl::Hours(24);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate = NewCertificate(options, key);
  X509* const raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  AddExtension(raw, raw, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(raw, raw, NID_subject_key_identifier, "hash");
  own_ = Sign(certificate, key, key);
}

TestCertificate TestAuthority::Issue(
    const TestCertificateOptions& options) const {
  const Certificate issuer = ReadCertificate(own_.certificate);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate = NewCertificate(options, key);
  X509* const raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(issuer.get()));
  AddExtension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(raw, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(raw, issuer.get(), NID_authority_key_identifier, "keyid");
  std::vector<std::string> names;
  for (const std::string& name : options.dns_names) {
    names.push_back(absl::StrCat("DNS:", name));
  }
  for (const std::string& address : options.addresses) {
    names.push_back(absl::StrCat("IP:", address));
  }
  if (!names.empty()) {
    AddExtension(raw, issuer.get(), NID_subject_alt_name,
                 absl::StrJoin(names, ","));
  }
  return Sign(certificate, key, ReadKey(own_.key));
}

TestCertificate TestAuthority::IssueServer() const {
  TestCertificateOptions options;
  options.dns_names = {"localhost"};
  options.addresses = {"127.0.0.1", "::1"};
  return Issue(options);
}

TestCertificate TestAuthority::IssueClient(const std::string& user) const {
  TestCertificateOptions options;
  options.common_name = user;
  return Issue(options);
}

std::string EncryptTestKey(const std::string& key, const std::string& phrase) {
  const Bio bio = Memory();
  Require(PEM_write_bio_PrivateKey(
              bio.get(), ReadKey(key).get(), EVP_aes_128_cbc(),
              reinterpret_cast<const unsigned char*>(phrase.data()),
              static_cast<int>(phrase.size()), nullptr, nullptr) == 1,
          "encrypting a key");
  return TextOf(bio);
}

}  // namespace netpol
