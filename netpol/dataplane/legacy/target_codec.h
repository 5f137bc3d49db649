// Action ↔ verdicts and what the kernel's target modules take.
#ifndef NETPOL_DATAPLANE_LEGACY_TARGET_CODEC_H_
#define NETPOL_DATAPLANE_LEGACY_TARGET_CODEC_H_

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/rules/rule.h"

namespace netpol {

// A rule's end; `go` says that a chain is gone to, not called, which the
// entry's header carries.
struct TargetParts {
  Extension target;
  bool verdict = false;
  bool go = false;
};

// InvalidArgument for a log prefix that is too long and for an empty chain.
absl::StatusOr<TargetParts> EncodeTarget(const Action& action, Family family);

// InvalidArgument, whose message describes the stranger, for anything that
// EncodeTarget does not write. Checks only what it needs: encode the result
// again to be sure.
absl::StatusOr<Action> DecodeTarget(const TargetParts& parts, Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_TARGET_CODEC_H_
