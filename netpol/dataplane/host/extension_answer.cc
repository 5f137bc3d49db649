#include "netpol/dataplane/host/extension_answer.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace netpol {

absl::Status ExtensionAnswer(int error, absl::string_view what,
                             const KernelExtension& extension) {
  switch (error) {
    case 0:
      return absl::OkStatus();
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat(what, ": asking the kernel needs CAP_NET_ADMIN"));
    case ENOENT:
      return absl::UnimplementedError(absl::StrCat(
          what, ": the kernel lacks it (module ", extension.module, ")"));
    case EPROTONOSUPPORT:
      return absl::UnimplementedError(absl::StrCat(
          what, ": module ", extension.module, " knows other revisions only"));
    default:
      return absl::InternalError(
          absl::StrCat(what, ": asking the kernel: ", std::strerror(error)));
  }
}

}  // namespace netpol
