// What netpol_last_error() tells.
#ifndef NETPOL_CAPI_LAST_ERROR_H_
#define NETPOL_CAPI_LAST_ERROR_H_

#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace netpol {

// The text of the last failure of one handle. Thread-safe.
class LastError {
 public:
  void Set(absl::string_view text);
  std::string Get() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// That of the calling thread.
LastError& ThreadsLastError();

}  // namespace netpol

#endif  // NETPOL_CAPI_LAST_ERROR_H_
