// A layout of ours of before, as the kernel's programs told of it then.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_STORED_LAYOUT_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_STORED_LAYOUT_H_

#include "absl/status/statusor.h"
#include "tests/kernel/take_over/kube_router_layout.h"

namespace netpol {

// The rules and sets that our first release with default deny made of
// TakeOverCluster(), from data/; `renamed`: as if chains and sets had had other
// names then. NotFound if the files are not there.
absl::StatusOr<KubeRouterText> StoredLayout(bool renamed);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_STORED_LAYOUT_H_
