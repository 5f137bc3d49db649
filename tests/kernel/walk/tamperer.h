// Somebody else who changes a node's tables and sets by the usual tools.
#ifndef NETPOL_TESTS_KERNEL_WALK_TAMPERER_H_
#define NETPOL_TESTS_KERNEL_WALK_TAMPERER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/walk/walk.pb.h"

namespace netpol {

// Works on the lab's node, in tables of LabFlavour(). Thread-compatible.
class Tamperer {
 public:
  // `lab` is borrowed.
  explicit Tamperer(const PacketLab* lab) : lab_(lab) {}

  // Whether anything may be different now: not if there is nothing of the kind,
  // or if a table that was saved names sets that are gone. An error is a tool
  // that failed.
  absl::StatusOr<bool> Tamper(const v1::WalkTampering& tampering);

 private:
  absl::StatusOr<std::string> Run(const std::vector<std::string>& argv) const;
  absl::StatusOr<bool> InsertAbove(Family family, uint32_t choice) const;
  absl::StatusOr<bool> DeleteRule(Family family, uint32_t choice) const;
  absl::StatusOr<bool> Clear(Family family) const;
  absl::StatusOr<bool> Restore(Family family) const;
  absl::StatusOr<bool> FlushSet(uint32_t choice) const;

  const PacketLab* lab_;
  std::string saved_[2];  // by Family; empty before the first
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_TAMPERER_H_
