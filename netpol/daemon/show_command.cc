#include "netpol/daemon/show_command.h"

#include <memory>
#include <vector>

#include "netpol/daemon/kernel_state.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/enforcer/kernel_access.h"

namespace netpol {

ExitCode RunShow(const Flags& flags, Console& console) {
  constexpr char kTried[] = "reading the kernel";
  const auto wanted = ParseBackend(flags.iptables_backend);
  if (!wanted.ok()) return console.FailUsage(wanted.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail(kTried, root);
  // Nothing is written, so the lock is never waited for.
  const auto kernel =
      OpenKernel(DecideFlavourToRead(*wanted).flavour, absl::ZeroDuration());
  if (!kernel.ok()) return console.Fail(kTried, kernel.status());
  v1::KernelState state;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    const absl::StatusOr<std::vector<Family>> families = FamiliesOf(**kernel);
    if (!families.ok()) return console.Fail(kTried, families.status());
    const absl::StatusOr<Snapshot> snapshot = (*kernel)->Read(*families);
    if (!snapshot.ok()) return console.Fail(kTried, snapshot.status());
    state = KernelStateOf(*snapshot, *families);
  }
  console.Print(state);
  return kDone;
}

}  // namespace netpol
