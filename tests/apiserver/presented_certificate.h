// What a TLS server shows of itself.
#ifndef NETPOL_TESTS_APISERVER_PRESENTED_CERTIFICATE_H_
#define NETPOL_TESTS_APISERVER_PRESENTED_CERTIFICATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace netpol {

// The certificate, in PEM, that the server on `port` of the caller's 127.0.0.1
// presents in a handshake; not verified. Unavailable if there is none.
absl::StatusOr<std::string> PresentedCertificate(uint16_t port);

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_PRESENTED_CERTIFICATE_H_
