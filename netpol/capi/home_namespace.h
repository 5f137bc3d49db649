// The network namespace that one thread was in, for work on any other.
#ifndef NETPOL_CAPI_HOME_NAMESPACE_H_
#define NETPOL_CAPI_HOME_NAMESPACE_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace netpol {

// Keeps the namespace alive. Thread-safe.
class HomeNamespace {
 public:
  // Of the calling thread.
  static absl::StatusOr<std::unique_ptr<HomeNamespace>> OfThisThread();

  ~HomeNamespace();
  HomeNamespace(const HomeNamespace&) = delete;
  HomeNamespace& operator=(const HomeNamespace&) = delete;

  // Runs `work` in it and returns what that returns: at once if the calling
  // thread is there, else in a thread of its own, which takes CAP_SYS_ADMIN. No
  // thread of the caller's ever changes its namespace.
  absl::Status Run(const std::function<absl::Status()>& work) const;

 private:
  explicit HomeNamespace(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace netpol

#endif  // NETPOL_CAPI_HOME_NAMESPACE_H_
