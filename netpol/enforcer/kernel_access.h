// The way to this node's kernel that all commands share.
#ifndef NETPOL_ENFORCER_KERNEL_ACCESS_H_
#define NETPOL_ENFORCER_KERNEL_ACCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/sync/dataplane.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// PermissionDenied unless the calling thread may read and change sets and
// filter tables, as root may; names the capabilities that it lacks. Who it is
// does not matter: a container's root may have none of them.
absl::Status RequireCapabilities();

// A flavour of iptables to enforce in, and the sentence that says why.
struct FlavourDecision {
  Flavour flavour = Flavour::kLegacy;
  std::string reason;
  // Whether the kernel and the programs are there that it needs; true where it
  // was asked for, since preflight then says what is missing.
  bool works = true;
};

// `wanted`, or what DetectFlavour() finds here.
FlavourDecision DecideFlavour(absl::optional<Flavour> wanted,
                              const std::vector<Family>& families);

// To look at what is enforced: `wanted`, else the one flavour that has chains
// of ours (whatever a new start would take), else as DecideFlavour().
FlavourDecision DecideFlavourToRead(absl::optional<Flavour> wanted);

// The kernel of the network namespace that we are in.
absl::StatusOr<std::unique_ptr<Dataplane>> OpenKernel(
    Flavour flavour, absl::Duration lock_timeout);

// Those of both families that this kernel has a filter table for.
absl::StatusOr<std::vector<Family>> FamiliesOf(Dataplane& dataplane);

// What the preflight found.
v1::CheckResult CheckKernel(const std::vector<Family>& families,
                            Flavour flavour);

// What gets past us on a machine that has everything.
v1::CheckResult CheckBlindSpots(const std::vector<Family>& families);

// A sentence for each thing that is missing, with its remedy.
std::vector<v1::Problem> MissingFeatures(const v1::CheckResult& result);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_KERNEL_ACCESS_H_
