// Files that hold one secret, certificate or configuration.
#ifndef NETPOL_WATCH_KUBE_SMALL_FILE_H_
#define NETPOL_WATCH_KUBE_SMALL_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace netpol {

// All of a regular file of at most `max_bytes`. Never waits for a writer, as of
// a pipe. Errors name the file and quote nothing of it: NotFound,
// PermissionDenied, ResourceExhausted if it is too big, else
// FailedPrecondition.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          size_t max_bytes);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_SMALL_FILE_H_
