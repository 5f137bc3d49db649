// HTTPS requests to an API server, from several threads.
#ifndef NETPOL_TESTS_APISERVER_API_CONNECTION_H_
#define NETPOL_TESTS_APISERVER_API_CONNECTION_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/apiserver/api_access.h"

namespace httplib {
class SSLClient;
}  // namespace httplib

namespace netpol {

struct ApiRequest {
  std::string method = "GET";
  std::string target;  // Path and query.
  std::string body = "";
  std::string content_type = "application/json";
  std::string accept = "application/json";
};

struct ApiResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

// OK for 2xx. Else what the Status in the body says, after `what`, with the
// code that is nearest: Unauthenticated (401), PermissionDenied (403),
// NotFound, AlreadyExists or Aborted (409, by its reason), OutOfRange (410),
// InvalidArgument (other 4xx), ResourceExhausted (429), Unavailable (5xx).
absl::Status StatusOf(const ApiResponse& response, absl::string_view what);

// Keeps its connections open, one per thread that is in Send() at a time.
// Thread-safe. From the first one on, this process ignores SIGPIPE.
class ApiConnection {
 public:
  explicit ApiConnection(ApiAccess access);
  ~ApiConnection();

  // Sends, and reads the whole response, whatever its status. Unavailable if
  // there is none (says why), also when the server says nothing for a minute.
  // A watch needs timeoutSeconds, or it ends only with the server.
  absl::StatusOr<ApiResponse> Send(const ApiRequest& request);

 private:
  // Null if there is none.
  std::unique_ptr<httplib::SSLClient> TakeIdle();
  std::unique_ptr<httplib::SSLClient> Open() const;
  absl::Status SendBy(httplib::SSLClient& client, const ApiRequest& request,
                      ApiResponse& response) const;

  const ApiAccess access_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<httplib::SSLClient>> idle_;  // By mutex_.
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_API_CONNECTION_H_
