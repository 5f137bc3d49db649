#include "netpol/dataplane/host/xtables_probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

// The IPv6 half does not say that it is C.
extern "C" {
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
}

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/dataplane/host/extension_answer.h"

namespace netpol {
namespace {

absl::string_view TablesModule(Family family) {
  return family == Family::kIPv4 ? "ip_tables" : "ip6_tables";
}

int RevisionOption(Family family, ExtensionKind kind) {
  const bool match = kind == ExtensionKind::kMatch;
  if (family == Family::kIPv4)
    return match ? IPT_SO_GET_REVISION_MATCH : IPT_SO_GET_REVISION_TARGET;
  return match ? IP6T_SO_GET_REVISION_MATCH : IP6T_SO_GET_REVISION_TARGET;
}

absl::Status RevisionError(int error, Family family,
                           const KernelExtension& extension) {
  const std::string what = absl::StrCat(
      FamilyName(family),
      extension.kind == ExtensionKind::kMatch ? " match " : " target ",
      extension.name, " revision ", extension.revision);
  if (error == ENOPROTOOPT) {
    return absl::UnimplementedError(
        absl::StrCat(what, ": the kernel has no ", TablesModule(family)));
  }
  return ExtensionAnswer(error, what, extension);
}

}  // namespace

absl::Status CheckExtension(Family family, const KernelExtension& extension) {
  xt_get_revision question = {};
  if (extension.name.size() >= sizeof(question.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no extension has so long a name: ", extension.name));
  }
  std::memcpy(question.name, extension.name.data(), extension.name.size());
  question.revision = extension.revision;
  const bool ipv4 = family == Family::kIPv4;
  const int fd =
      socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) return RevisionError(errno, family, extension);
  absl::Cleanup close_socket = [fd] { close(fd); };
  socklen_t size = sizeof(question);
  if (getsockopt(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                 RevisionOption(family, extension.kind), &question,
                 &size) != 0) {
    return RevisionError(errno, family, extension);
  }
  return absl::OkStatus();
}

absl::Status CheckFilterTable(Family family) {
  const bool ipv4 = family == Family::kIPv4;
  xtc_handle* table = ipv4 ? iptc_init("filter") : ip6tc_init("filter");
  if (table != nullptr) {
    ipv4 ? iptc_free(table) : ip6tc_free(table);
    return absl::OkStatus();
  }
  const int error = errno;
  const std::string what =
      absl::StrCat("read table filter of ", FamilyName(family));
  if (error == EPERM || error == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat(what, ": needs CAP_NET_ADMIN and CAP_NET_RAW"));
  }
  return absl::UnimplementedError(absl::StrCat(
      what, ": ", ipv4 ? iptc_strerror(error) : ip6tc_strerror(error)));
}

}  // namespace netpol
