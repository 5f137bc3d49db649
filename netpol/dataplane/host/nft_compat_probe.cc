#include "netpol/dataplane/host/nft_compat_probe.h"

#include <endian.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/host/extension_answer.h"
#include "netpol/dataplane/nft/nft_socket.h"

namespace netpol {
namespace {

constexpr int kSocketBuffer = 64 << 10;
constexpr uint32_t kSequence = 1;

struct MessageDeleter {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};

// Also without CAP_NET_ADMIN the kernel answers, with an error.
absl::StatusOr<std::string> Encode(Family family,
                                   const KernelExtension& extension) {
  const std::unique_ptr<nl_msg, MessageDeleter> message(nlmsg_alloc());
  if (message == nullptr) return absl::ResourceExhaustedError("no memory");
  const nfgenmsg head = {
      static_cast<uint8_t>(family == Family::kIPv4 ? AF_INET : AF_INET6),
      NFNETLINK_V0, 0};
  const bool target = extension.kind == ExtensionKind::kTarget;
  nlmsghdr* header =
      nlmsg_put(message.get(), 0, kSequence,
                NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET, 0,
                NLM_F_REQUEST | NLM_F_ACK);
  if (header == nullptr ||
      nlmsg_append(message.get(), const_cast<nfgenmsg*>(&head), sizeof(head),
                   NLMSG_ALIGNTO) < 0 ||
      nla_put_string(message.get(), NFTA_COMPAT_NAME, extension.name.c_str()) <
          0 ||
      nla_put_u32(message.get(), NFTA_COMPAT_REV, htobe32(extension.revision)) <
          0 ||
      nla_put_u32(message.get(), NFTA_COMPAT_TYPE, htobe32(target ? 1 : 0)) <
          0) {
    return absl::ResourceExhaustedError("no memory");
  }
  return std::string(reinterpret_cast<const char*>(header), header->nlmsg_len);
}

// The errno of the answer, 0 if the kernel agreed.
absl::StatusOr<int> Ask(const std::string& request) {
  ASSIGN_OR_RETURN(const NftSocket socket, OpenNftSocket(kSocketBuffer));
  RETURN_IF_ERROR(SendDatagram(socket.get(), request));
  std::vector<char> buffer(kSocketBuffer);
  while (true) {
    ASSIGN_OR_RETURN(const Datagram datagram,
                     ReceiveDatagram(socket.get(), Patience::kWait, buffer));
    int left = static_cast<int>(datagram.bytes);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data());
         nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != kSequence || header->nlmsg_type != NLMSG_ERROR ||
          nlmsg_datalen(header) < static_cast<int>(sizeof(int))) {
        continue;
      }
      int code = 0;
      std::memcpy(&code, nlmsg_data(header), sizeof(code));
      return -code;
    }
  }
}

absl::Status AnswerStatus(int error, absl::string_view what,
                          const KernelExtension& extension) {
  // EINVAL is nfnetlink's, for a subsystem that is not there.
  if (error == EINVAL || error == EOPNOTSUPP) {
    return absl::UnimplementedError(
        absl::StrCat(what, ": the kernel has no nft_compat"));
  }
  return ExtensionAnswer(error, what, extension);
}

}  // namespace

absl::Status CheckNftExtension(Family family,
                               const KernelExtension& extension) {
  const std::string what = absl::StrCat(
      FamilyName(family), " nf_tables ",
      extension.kind == ExtensionKind::kMatch ? "match " : "target ",
      extension.name, " revision ", extension.revision);
  if (extension.name.size() >= NFT_COMPAT_NAME_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("no extension has so long a name: ", extension.name));
  }
  ASSIGN_OR_RETURN(const std::string request, Encode(family, extension));
  const absl::StatusOr<int> error = Ask(request);
  if (!error.ok()) return Annotate(error.status(), what);
  return AnswerStatus(*error, what, extension);
}

}  // namespace netpol
