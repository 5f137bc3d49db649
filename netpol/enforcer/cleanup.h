// Takes everything of ours out of the kernel.
#ifndef NETPOL_ENFORCER_CLEANUP_H_
#define NETPOL_ENFORCER_CLEANUP_H_

#include <functional>

#include "absl/time/time.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Of both flavours and both families, as far as the kernel of the calling
// thread's network namespace has them: hooks, chains and sets, what is ours and
// what kube-router and its older releases left, kube-router's own nf_tables
// tables too; nothing of anybody else. Needs the capabilities of
// RequireCapabilities(), and no program.

// What CleanUpKernel() would do. Writes nothing, and makes no table. What
// cannot be looked at is among the problems of the result, which is not
// complete then.
v1::CleanupResult PlanCleanup();

struct CleanupOptions {
  // How long the commit of a legacy table waits for the xtables lock.
  absl::Duration lock_timeout = absl::Seconds(10);
  // How to let time pass until a set is free; empty: by sleeping.
  std::function<void(absl::Duration)> wait;
};

// Does it: one commit for each flavour and family that has something, then the
// sets. What fails stops nothing else; what could not be removed is among the
// problems, each with what to do, and the result is not complete then. A chain
// that a rule of somebody else leads to stays, empty, and is such a problem.
// Blocks up to the lock's timeout for each family, and 1.5 s for sets in use.
// Nobody may enforce meanwhile: it would all come back.
v1::CleanupResult CleanUpKernel(const CleanupOptions& options = {});

}  // namespace netpol

#endif  // NETPOL_ENFORCER_CLEANUP_H_
