// Makes the kernel look smaller than it is to one thread.
#ifndef NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_DENIED_CALLS_H_
#define NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_DENIED_CALLS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace netpol {

// A system call that fails with `error`, if its arguments (by index, their low
// 32 bits) are these.
struct DeniedCall {
  int number = 0;  // SYS_*
  std::vector<std::pair<int, uint32_t>> arguments;
  int error = 0;
};

// From now on and for good, for the calling thread and all that it starts,
// programs too (seccomp(2)).
absl::Status DenyCalls(const std::vector<DeniedCall>& calls);

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_DENIED_CALLS_H_
