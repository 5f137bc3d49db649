// The real kernel, reached through somebody who makes one kind of mistake.
#ifndef NETPOL_TESTS_KERNEL_WALK_FAULTY_KERNEL_H_
#define NETPOL_TESTS_KERNEL_WALK_FAULTY_KERNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

using OpenKernel = std::function<absl::StatusOr<std::unique_ptr<Dataplane>>()>;

// Says that it removed members from sets of `type`, and does not.
OpenKernel ForgettingMemberRemovals(SetType type);

// Reads sets of `type` as if they were empty.
OpenKernel BlindToMembers(SetType type);

// Writes chains whose names begin with `prefix` without their last rule.
OpenKernel LosingTheLastRule(const std::string& prefix);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_FAULTY_KERNEL_H_
