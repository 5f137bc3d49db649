// What lets one request in.
#ifndef NETPOL_WATCH_KUBE_CREDENTIALS_H_
#define NETPOL_WATCH_KUBE_CREDENTIALS_H_

#include <cstdint>
#include <string>

namespace netpol {

// As of one moment. Secrets: never logged.
struct Credentials {
  // The value of the header Authorization; empty: none is sent.
  std::string authorization;
  // Grows whenever the TLS part below is not what it was before.
  uint64_t tls_generation = 0;
  std::string certificate_authority_pem;  // Empty: the roots of the system.
  std::string client_certificate_pem;     // Empty: none.
  std::string client_key_pem;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_CREDENTIALS_H_
