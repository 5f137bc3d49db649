// Going along a walk that is written down.
#ifndef NETPOL_TESTS_KERNEL_WALK_WALK_RUN_H_
#define NETPOL_TESTS_KERNEL_WALK_WALK_RUN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/testing/packet.h"
#include "tests/kernel/walk/walk.pb.h"
#include "tests/kernel/walk/walk_node.h"
#include "tests/kernel/walk/walk_setup.h"

namespace netpol {

// Takes every step in a new lab and then looks at the kernel: every law that is
// broken at the end. A sync that fails ends the walk. InvalidArgument for a
// probe that cannot be read.
absl::StatusOr<std::vector<WalkFailure>> WalkAlong(const WalkSetup& setup,
                                                   const v1::Walk& walk);

v1::WalkProbe ProbeOf(const Packet& packet);
absl::StatusOr<std::vector<Packet>> PacketsOf(const v1::Walk& walk);

// Text proto. Errors name the file.
absl::Status WriteWalk(const std::string& path, const v1::Walk& walk);
absl::StatusOr<v1::Walk> ReadWalk(const std::string& path);

// Where a test may leave a file of this name for people: with what Bazel keeps
// of the test, or in its temporary folder.
std::string OutputPath(absl::string_view name);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_WALK_RUN_H_
