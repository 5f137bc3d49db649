// Kubeconfig files for the programs under test.
#ifndef NETPOL_TESTS_APISERVER_KUBECONFIG_WRITER_H_
#define NETPOL_TESTS_APISERVER_KUBECONFIG_WRITER_H_

#include <string>

#include "absl/status/status.h"

namespace netpol {

// Of one cluster, one user and one context, "test". Empty fields are left out.
struct KubeconfigContent {
  std::string server;   // URL
  std::string ca_file;  // Named, not embedded: it may change.
  std::string token;
  std::string token_file;
  std::string client_certificate_file;
  std::string client_key_file;
};

// Replaces the file at `path`, which only its owner may read.
absl::Status WriteKubeconfig(const KubeconfigContent& content,
                             const std::string& path);

// Writes `text` to a file beside `path` and renames it, so that a reader gets
// the old or the new content; mode 0600.
absl::Status ReplaceFile(const std::string& path, const std::string& text);

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_KUBECONFIG_WRITER_H_
