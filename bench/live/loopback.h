// The loopback of a network namespace, which is down in a new one.
#ifndef NETPOL_BENCH_LIVE_LOOPBACK_H_
#define NETPOL_BENCH_LIVE_LOOPBACK_H_

#include "absl/status/status.h"

namespace netpol {

// Of the calling thread's namespace.
absl::Status RaiseLoopback();

}  // namespace netpol

#endif  // NETPOL_BENCH_LIVE_LOOPBACK_H_
