// Certificates for tests, made when they run.
#ifndef NETPOL_TESTS_WATCH_KUBE_TEST_CERTIFICATES_H_
#define NETPOL_TESTS_WATCH_KUBE_TEST_CERTIFICATES_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace netpol {

// PEM texts that belong together.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

struct TestCertificateOptions {
  std::string common_name = "127.0.0.1";   // For an API server: the user.
  std::vector<std::string> organizations;  // For an API server: the groups.
  std::vector<std::string> dns_names;      // Those it is valid for…
  std::vector<std::string> addresses;      // …and IP addresses.
  absl::Duration from = -absl::Hours(1);   // From now.
  absl::Duration to = absl::Hours(1);      // From now.
};

// A certificate authority of its own; its key never leaves the process unless
// asked for. Ends the process if OpenSSL fails.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);

  const std::string& certificate() const { return own_.certificate; }
  const std::string& key() const { return own_.key; }

  // Fit for servers and for clients.
  TestCertificate Issue(const TestCertificateOptions& options) const;

  // For a server at 127.0.0.1, ::1 and localhost.
  TestCertificate IssueServer() const;
  TestCertificate IssueClient(const std::string& user) const;

 private:
  TestCertificate own_;
};

// `key` (PEM) with a pass phrase around it.
std::string EncryptTestKey(const std::string& key, const std::string& phrase);

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_TEST_CERTIFICATES_H_
