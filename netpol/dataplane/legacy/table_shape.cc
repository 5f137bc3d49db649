#include "netpol/dataplane/legacy/table_shape.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// The IPv6 half does not say that it is C.
extern "C" {
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
}

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "absl/cleanup/cleanup.h"
#include "netpol/dataplane/legacy/table_error.h"

namespace netpol {
namespace {

template <typename Info>
absl::StatusOr<TableShape> Ask(Family family, int domain, int level,
                               int option) {
  const int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) return TableReadError(family, errno, std::strerror(errno));
  const auto close_socket = absl::MakeCleanup([fd] { close(fd); });
  Info info = {};
  std::strcpy(info.name, "filter");
  socklen_t size = sizeof(info);
  if (getsockopt(fd, level, option, &info, &size) != 0)
    return TableReadError(family, errno, std::strerror(errno));
  TableShape shape;
  shape.entries = info.num_entries;
  shape.bytes = info.size;
  std::copy(std::begin(info.hook_entry), std::end(info.hook_entry),
            shape.hook_entry.begin());
  std::copy(std::begin(info.underflow), std::end(info.underflow),
            shape.underflow.begin());
  return shape;
}

}  // namespace

absl::StatusOr<TableShape> ReadTableShape(Family family) {
  return family == Family::kIPv4
             ? Ask<ipt_getinfo>(family, AF_INET, IPPROTO_IP, IPT_SO_GET_INFO)
             : Ask<ip6t_getinfo>(family, AF_INET6, IPPROTO_IPV6,
                                 IP6T_SO_GET_INFO);
}

}  // namespace netpol
