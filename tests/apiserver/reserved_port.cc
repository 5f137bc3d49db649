#include "tests/apiserver/reserved_port.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "netpol/base/status_macros.h"

namespace netpol {

absl::StatusOr<ReservedPort> ReservedPort::Create(const NetNs& ns) {
  FileDescriptor held;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  RETURN_IF_ERROR(ns.Run([&] {
    held = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (!held.valid() ||
        setsockopt(held.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) !=
            0 ||
        bind(held.get(), generic, size) != 0 ||
        getsockname(held.get(), generic, &size) != 0) {
      return absl::ErrnoToStatus(errno, "reserving a port of 127.0.0.1");
    }
    return absl::OkStatus();
  }));
  return ReservedPort(std::move(held), ntohs(address.sin_port));
}

}  // namespace netpol
