// Network namespaces without names: they live as long as something holds them.
#ifndef NETPOL_TESTS_KERNEL_LAB_NETNS_H_
#define NETPOL_TESTS_KERNEL_LAB_NETNS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/kernel/lab/file_descriptor.h"

namespace netpol {

// A private network namespace, held by one close-on-exec descriptor and by
// nothing else: no name under /run, no process. It is gone when this object,
// the sockets opened in it and the programs started in it are gone, so even a
// killed test leaves nothing behind (network_namespaces(7)).
//
// Thread-safe: const methods may be called from any thread.
class NetNs {
 public:
  // A new, empty namespace whose loopback is down. PermissionDenied without
  // CAP_SYS_ADMIN.
  static absl::StatusOr<NetNs> Create();

  // None of its own: work and programs run where the caller is, which needs no
  // right.
  static NetNs OfCaller() {
    NetNs ns{FileDescriptor()};
    ns.is_of_caller_ = true;
    return ns;
  }

  NetNs(NetNs&&) = default;
  NetNs& operator=(NetNs&&) = default;

  bool is_of_caller() const { return is_of_caller_; }

  // For setns(2) and for netlink messages that name a namespace; still ours.
  // -1 for OfCaller().
  int fd() const { return fd_.get(); }

  // Runs `work` in a thread of its own that is in this namespace, and waits.
  // Sockets that it opens stay in the namespace, and so does every program that
  // it starts. Returns what `work` returns.
  absl::Status Run(const std::function<absl::Status()>& work) const;

 private:
  explicit NetNs(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  // Said, not guessed from fd_: what was moved away must not act elsewhere.
  bool is_of_caller_ = false;
};

// Whether this process may make namespaces and raw sockets; tests skip if not.
bool MayMakeNamespaces();

// Writes `value` to /proc/sys/`key`, for the namespace that the calling thread
// is in. NotFound if this kernel has no such key there.
absl::Status WriteSysctl(absl::string_view key, absl::string_view value);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_NETNS_H_
