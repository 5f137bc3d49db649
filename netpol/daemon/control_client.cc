#include "netpol/daemon/control_client.h"

#include <sys/socket.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "httplib.h"
#include "netpol/daemon/control_status.h"

namespace netpol {
namespace {

constexpr time_t kConnectSeconds = 5;
// The daemon may be in the middle of a write to the kernel.
constexpr time_t kReadSeconds = 30;

absl::StatusOr<std::string> Ask(const std::string& path,
                                const std::string& route,
                                const std::string& body) {
  httplib::Client client(path);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kReadSeconds);
  const httplib::Result result = client.Post(route, body, "application/json");
  if (!result) {
    return absl::UnavailableError(
        absl::StrCat("no daemon answers at ", path, " (",
                     httplib::to_string(result.error()), ")"));
  }
  const absl::StatusCode code = StatusCodeOf(result->status);
  if (code == absl::StatusCode::kOk) return result->body;
  return absl::Status(
      code, result->body.empty()
                ? absl::StrCat("the daemon at ", path, " does not answer ",
                               route, ": HTTP status ", result->status)
                : result->body);
}

}  // namespace

absl::StatusOr<std::string> AskDaemon(const std::string& path,
                                      const std::string& route,
                                      const std::string& body) {
  try {
    return Ask(path, route, body);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("asking the daemon at ", path, ": ", error.what()));
  }
}

absl::Status ReadReply(const std::string& reply,
                       google::protobuf::Message& answer) {
  google::protobuf::util::JsonParseOptions newer_daemon;
  newer_daemon.ignore_unknown_fields = true;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(reply, &answer, newer_daemon);
  if (parsed.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the daemon's answer: ", std::string(parsed.message())));
}

}  // namespace netpol
