// What went wrong in a request, in words that say what to do.
#ifndef NETPOL_WATCH_KUBE_CURL_ERROR_H_
#define NETPOL_WATCH_KUBE_CURL_ERROR_H_

#include <curl/curl.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace netpol {

struct CurlFailure {
  CURLcode code = CURLE_OK;
  std::string detail;        // libcurl's own words; may be empty.
  int os_error = 0;          // errno of the failed connect; 0: none.
  long verify_result = 0;    // X509_V_… of the server's certificate; 0: fine.
  std::string host_port;     // Of the server.
  std::string checked_name;  // Which the certificate must have.
  bool has_head = false;     // The head of the response had come.
  absl::Duration connect_timeout;
};

// OK for CURLE_OK; the codes are those of HttpSink::OnDone.
absl::Status CurlError(const CurlFailure& failure);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_CURL_ERROR_H_
