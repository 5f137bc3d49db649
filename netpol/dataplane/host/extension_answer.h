// What the kernel's answer about a match or target means.
#ifndef NETPOL_DATAPLANE_HOST_EXTENSION_ANSWER_H_
#define NETPOL_DATAPLANE_HOST_EXTENSION_ANSWER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/dataplane/host/kernel_extension.h"

namespace netpol {

// `error` is the errno of the question whether `extension` is there, 0 for yes;
// `what` names it to people. See CheckExtension() for the codes.
absl::Status ExtensionAnswer(int error, absl::string_view what,
                             const KernelExtension& extension);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_EXTENSION_ANSWER_H_
