#include "tests/apiserver/api_connection.h"

#include <poll.h>
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "netpol/base/status_macros.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

absl::StatusCode CodeOf(int status, absl::string_view reason) {
  switch (status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return reason == "AlreadyExists" ? absl::StatusCode::kAlreadyExists
                                       : absl::StatusCode::kAborted;
    case 410:
      return absl::StatusCode::kOutOfRange;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    default:
      return status < 500 ? absl::StatusCode::kInvalidArgument
                          : absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status StatusOf(const ApiResponse& response, absl::string_view what) {
  if (response.status >= 200 && response.status < 300) return absl::OkStatus();
  std::string reason;
  std::string message = response.body;
  const auto status =
      nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (status.is_object() && status.value("kind", "") == "Status") {
    reason = status.value("reason", "");
    message = status.value("message", "");
  }
  return absl::Status(
      CodeOf(response.status, reason),
      absl::StrCat(what, ": HTTP ", response.status, ": ", message));
}

ApiConnection::ApiConnection(ApiAccess access) : access_(std::move(access)) {
  // OpenSSL writes to a connection that the server may have closed.
  signal(SIGPIPE, SIG_IGN);
}

ApiConnection::~ApiConnection() = default;

std::unique_ptr<httplib::SSLClient> ApiConnection::TakeIdle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!idle_.empty()) {
    std::unique_ptr<httplib::SSLClient> client = std::move(idle_.back());
    idle_.pop_back();
    // What has something to say unasked says that it is closing.
    pollfd unasked = {client->socket(), POLLIN, 0};
    if (poll(&unasked, 1, 0) == 0) return client;
  }
  return nullptr;
}

std::unique_ptr<httplib::SSLClient> ApiConnection::Open() const {
  auto client = std::make_unique<httplib::SSLClient>(
      access_.host, access_.port, access_.certificate_file, access_.key_file);
  client->set_ca_cert_path(access_.ca_file.c_str());
  client->enable_server_certificate_verification(true);
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  client->set_connection_timeout(10);
  client->set_read_timeout(60);
  client->set_write_timeout(60);
  return client;
}

absl::Status ApiConnection::SendBy(httplib::SSLClient& client,
                                   const ApiRequest& request,
                                   ApiResponse& response) const {
  httplib::Request raw;
  raw.method = request.method;
  raw.path = request.target;
  raw.body = request.body;
  raw.set_header("Accept", request.accept);
  // The members of a compressed watch are more than one.
  raw.set_header("Accept-Encoding", "identity");
  raw.set_header("User-Agent", "netpol-test");
  if (!request.body.empty())
    raw.set_header("Content-Type", request.content_type);
  if (!access_.token.empty())
    raw.set_header("Authorization", absl::StrCat("Bearer ", access_.token));
  const httplib::Result result = client.send(raw);
  if (result.error() != httplib::Error::Success) {
    return absl::UnavailableError(absl::StrCat(
        request.method, " https://", access_.host, ":", access_.port,
        request.target, ": ", httplib::to_string(result.error())));
  }
  response.status = result->status;
  response.content_type = result->get_header_value("Content-Type");
  response.body = result->body;
  return absl::OkStatus();
}

absl::StatusOr<ApiResponse> ApiConnection::Send(const ApiRequest& request) {
  ApiResponse response;
  std::unique_ptr<httplib::SSLClient> client = TakeIdle();
  if (client == nullptr) client = Open();
  const auto send = [&] { return SendBy(*client, request, response); };
  // One that failed is not used again: it may trust an authority of yesterday.
  RETURN_IF_ERROR(access_.ns == nullptr ? send() : access_.ns->Run(send));
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(client));
  return response;
}

}  // namespace netpol
