// Early returns for absl::Status and absl::StatusOr, and context added once per
// layer.
#ifndef NETPOL_BASE_STATUS_MACROS_H_
#define NETPOL_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {

// `status` with "context: " in front of its message; OK stays OK.
inline absl::Status Annotate(const absl::Status& status,
                             absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(context, ": ", status.message()));
}

}  // namespace netpol

#define NETPOL_CONCAT_INNER_(a, b) a##b
#define NETPOL_CONCAT_(a, b) NETPOL_CONCAT_INNER_(a, b)

#define RETURN_IF_ERROR(expr)                           \
  do {                                                  \
    if (absl::Status status_ = (expr); !status_.ok()) { \
      return status_;                                   \
    }                                                   \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(NETPOL_CONCAT_(status_or_, __LINE__), lhs, expr)

#define ASSIGN_OR_RETURN_IMPL_(status_or, lhs, expr) \
  auto status_or = (expr);                           \
  if (!status_or.ok()) return status_or.status();    \
  lhs = *std::move(status_or)

#endif  // NETPOL_BASE_STATUS_MACROS_H_
