#include "netpol/dataplane/legacy/table_error.h"

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return absl::StatusCode::kPermissionDenied;
    case EAGAIN:
    case EINTR:
      return absl::StatusCode::kUnavailable;
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case ELOOP:
    case EBUSY:
    case EEXIST:
    case ENOTEMPTY:
    case EMLINK:
      return absl::StatusCode::kFailedPrecondition;
    case ENOPROTOOPT:
    case EAFNOSUPPORT:
    case ESOCKTNOSUPPORT:
    case EPROTONOSUPPORT:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

std::string Advice(Family family, absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kPermissionDenied:
      return "; needs CAP_NET_ADMIN and CAP_NET_RAW (root)";
    case absl::StatusCode::kUnimplemented:
      return absl::StrCat("; the kernel has no legacy table filter for ",
                          FamilyName(family), ", load the modules ",
                          TableModules(family));
    default:
      return "";
  }
}

absl::Status MakeError(Family family, absl::string_view step,
                       absl::StatusCode code, int error,
                       absl::string_view explanation) {
  return absl::Status(
      code, absl::StrCat(step, " in the legacy ", FamilyName(family),
                         " table filter: ", explanation, " (errno ", error, ")",
                         Advice(family, code)));
}

}  // namespace

absl::string_view TableModules(Family family) {
  return family == Family::kIPv4 ? "ip_tables and iptable_filter"
                                 : "ip6_tables and ip6table_filter";
}

absl::Status TableReadError(Family family, int error,
                            absl::string_view explanation) {
  return MakeError(
      family, "reading",
      error == ENOENT ? absl::StatusCode::kUnimplemented : CodeOf(error), error,
      explanation);
}

absl::Status TableWriteError(Family family, absl::string_view step, int error,
                             absl::string_view explanation) {
  return MakeError(family, step, CodeOf(error), error, explanation);
}

}  // namespace netpol
