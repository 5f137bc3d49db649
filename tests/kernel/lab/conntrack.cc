#include "tests/kernel/lab/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

absl::Status Failed(const char* what, int code) {
  return absl::InternalError(absl::StrCat(what, ": ", nl_geterror(code)));
}

}  // namespace

absl::Status FlushConntrack() {
  const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(
      nl_socket_alloc(), &nl_socket_free);
  if (socket == nullptr)
    return absl::ResourceExhaustedError("no netlink socket");
  if (int code = nl_connect(socket.get(), NETLINK_NETFILTER); code < 0) {
    return Failed("connecting to nfnetlink", code);
  }
  // Without a tuple, all entries go.
  nfgenmsg header = {AF_UNSPEC, NFNETLINK_V0, 0};
  const int type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
  if (int code = nl_send_simple(socket.get(), type, NLM_F_ACK, &header,
                                sizeof(header));
      code < 0) {
    return Failed("asking to flush conntrack", code);
  }
  if (int code = nl_wait_for_ack(socket.get()); code < 0) {
    return Failed("flushing conntrack", code);
  }
  return absl::OkStatus();
}

}  // namespace netpol
