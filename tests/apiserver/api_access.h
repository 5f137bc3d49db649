// Where an API server of a test is, and as whom to ask it.
#ifndef NETPOL_TESTS_APISERVER_API_ACCESS_H_
#define NETPOL_TESTS_APISERVER_API_ACCESS_H_

#include <cstdint>
#include <string>

#include "tests/kernel/lab/netns.h"

namespace netpol {

struct ApiAccess {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  std::string ca_file;  // Of the authority that signed its certificate.
  std::string token;    // Empty: none.
  // Of a client's certificate; empty: none.
  std::string certificate_file;
  std::string key_file;
  // Where `host` is; borrowed. Null: where the caller is.
  const NetNs* ns = nullptr;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_API_ACCESS_H_
