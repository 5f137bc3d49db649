#include "netpol/dataplane/legacy/set_index.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// IPSET_INVALID_ID of the kernel, which its user header leaves out.
constexpr uint16_t kNoSet = 65535;

absl::Status SocketError(absl::string_view step, int error) {
  const std::string message =
      absl::StrCat(step, " through SO_IP_SET: ", std::strerror(error));
  switch (error) {
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(absl::StrCat(
          message, "; needs CAP_NET_ADMIN and CAP_NET_RAW (root)"));
    case ENOPROTOOPT:
      return absl::UnimplementedError(absl::StrCat(
          message, "; the kernel has no ip_set, load the module ip_set"));
    default:
      return absl::InternalError(message);
  }
}

template <typename Request>
int Ask(int socket, Request& request) {
  socklen_t size = sizeof(request);
  return getsockopt(socket, SOL_IP, SO_IP_SET, &request, &size) == 0 ? 0
                                                                     : errno;
}

ip_set_req_get_set MakeRequest(unsigned int operation, unsigned int version) {
  ip_set_req_get_set request;
  std::memset(&request, 0, sizeof(request));
  request.op = operation;
  request.version = version;
  return request;
}

}  // namespace

absl::Status SetIndex::Connect() {
  if (socket_ >= 0) return absl::OkStatus();
  const int socket_fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (socket_fd < 0) return SocketError("opening a raw socket", errno);
  ip_set_req_version request = {IP_SET_OP_VERSION, 0};
  if (const int error = Ask(socket_fd, request); error != 0) {
    close(socket_fd);
    return SocketError("asking for the version of ipset", error);
  }
  socket_ = socket_fd;
  version_ = request.version;
  return absl::OkStatus();
}

absl::StatusOr<uint16_t> SetIndex::IndexOf(const SetName& name) {
  if (auto it = index_by_name_.find(name); it != index_by_name_.end()) {
    return it->second;
  }
  RETURN_IF_ERROR(Connect());
  ip_set_req_get_set request = MakeRequest(IP_SET_OP_GET_BYNAME, version_);
  name.value().copy(request.set.name, sizeof(request.set.name) - 1);
  if (const int error = Ask(socket_, request); error != 0) {
    return SocketError(absl::StrCat("looking up set ", name.value()), error);
  }
  if (request.set.index == kNoSet) {
    return absl::NotFoundError(
        absl::StrCat("set ", name.value(), " does not exist in the kernel"));
  }
  index_by_name_.emplace(name, request.set.index);
  return request.set.index;
}

absl::StatusOr<SetName> SetIndex::NameOf(uint16_t index) {
  if (auto it = name_by_index_.find(index); it != name_by_index_.end()) {
    return it->second;
  }
  RETURN_IF_ERROR(Connect());
  ip_set_req_get_set request = MakeRequest(IP_SET_OP_GET_BYINDEX, version_);
  request.set.index = index;
  if (const int error = Ask(socket_, request); error != 0) {
    return SocketError(absl::StrCat("looking up set number ", index), error);
  }
  const absl::string_view name(
      request.set.name,
      strnlen(request.set.name, sizeof(request.set.name) - 1));
  if (name.empty()) {
    return absl::NotFoundError(absl::StrCat("no set has number ", index));
  }
  return name_by_index_.emplace(index, SetName(name)).first->second;
}

void SetIndex::Forget() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  index_by_name_.clear();
  name_by_index_.clear();
}

}  // namespace netpol
