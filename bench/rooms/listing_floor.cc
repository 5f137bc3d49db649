#include "bench/rooms/listing_floor.h"

#include <linux/netlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/dataplane/ipset/ipset_messages.h"

namespace netpol {
namespace {

absl::Status ListingError(absl::string_view step, int error) {
  return absl::InternalError(
      absl::StrCat(step, " a listing of all sets: ", std::strerror(error)));
}

// Whether `size` bytes at `data` hold the end of a dump, or an error, which is
// then left in `error`.
bool IsEnd(char* data, int size, int& error) {
  for (auto* header = reinterpret_cast<nlmsghdr*>(data); nlmsg_ok(header, size);
       header = nlmsg_next(header, &size)) {
    if (header->nlmsg_type == NLMSG_DONE) return true;
    if (header->nlmsg_type != NLMSG_ERROR) continue;
    std::memcpy(&error, nlmsg_data(header), sizeof(error));
    error = -error;
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Cost> MeasureBareListing() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return ListingError("opening a socket for", errno);
  const NetlinkMessage query = EncodeListQuery(ListScope::kMembers);
  nlmsghdr* header = nlmsg_hdr(query.get());
  header->nlmsg_seq = 1;
  header->nlmsg_pid = 0;
  std::vector<char> buffer(256 << 10);
  int error = 0;
  const CostWatch watch;
  if (send(fd, header, header->nlmsg_len, 0) < 0) error = errno;
  for (bool end = error != 0; !end;) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
    if (received < 0) error = errno;
    end =
        received < 0 || IsEnd(buffer.data(), static_cast<int>(received), error);
  }
  const Cost cost = watch.Elapsed();
  close(fd);
  if (error != 0) return ListingError("reading", error);
  return cost;
}

}  // namespace netpol
