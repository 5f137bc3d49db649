// Whether PEM text is good for TLS (OpenSSL).
#ifndef NETPOL_WATCH_KUBE_PEM_H_
#define NETPOL_WATCH_KUBE_PEM_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace netpol {

// InvalidArgument unless `pem` holds certificates, at least one, and none of
// them is broken or cut off. Other blocks are skipped.
absl::Status CheckCertificates(absl::string_view pem);

// InvalidArgument unless `key_pem` holds a private key without passphrase, and
// it is the one of the first certificate of `certificate_pem`.
absl::Status CheckKeyPair(absl::string_view certificate_pem,
                          absl::string_view key_pem);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_PEM_H_
