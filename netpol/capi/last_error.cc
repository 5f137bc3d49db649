#include "netpol/capi/last_error.h"

namespace netpol {

void LastError::Set(absl::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  text_ = std::string(text);
}

std::string LastError::Get() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return text_;
}

LastError& ThreadsLastError() {
  static thread_local LastError error;
  return error;
}

}  // namespace netpol
