// What the rules of a kernel do with one connection.
#ifndef NETPOL_EXPLAIN_KERNEL_WALK_H_
#define NETPOL_EXPLAIN_KERNEL_WALK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/explain/path_question.h"
#include "netpol/explain/port_set.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

struct KernelRule {
  std::string chain;
  int number = 0;    // from 1, as iptables counts
  std::string text;  // as iptables-save writes it, without "-A chain"
  std::string comment;
};

// The way of one packet.
struct KernelVerdict {
  Hook hook = Hook::kForward;
  Outcome outcome = Outcome::kFellThrough;
  // The rule that accepted, dropped or rejected it; none if the host's own
  // rules go on with it.
  absl::optional<KernelRule> decided_by;
  // The rules that allowed it, one for each side that a rule judged.
  std::vector<KernelRule> allowed_by;
  std::vector<KernelRule> way;  // every rule that it matched
  // Rules on its way that nobody here understands: taken as if they were not
  // there.
  std::vector<KernelRule> not_understood;

  bool allowed() const {
    return outcome == Outcome::kAccepted || outcome == Outcome::kFellThrough;
  }
};

// A snapshot made ready to be asked. Immutable, thread-safe.
class KernelWalk {
 public:
  // `snapshot` must outlive the walk. InvalidArgument for what
  // PacketSimulator::Create() refuses.
  static absl::StatusOr<KernelWalk> Create(const Snapshot& snapshot);

  // How many rules of others stand before the jump from the built-in chain into
  // ours, and may decide first: they are not followed. -1 if there is no such
  // jump; then everything is allowed here.
  int RulesBeforeOurs(const PathQuestion& question) const;

  // Every port that is let through, by trying all of them.
  PortSet AllowedPorts(const PathQuestion& question) const;

  // With `port` in the place of the question's.
  KernelVerdict Follow(const PathQuestion& question, uint16_t port) const;

 private:
  KernelWalk(const Snapshot& snapshot, PacketSimulator simulator)
      : snapshot_(&snapshot), simulator_(std::move(simulator)) {}

  KernelRule RuleAt(Family family, const RulePlace& place) const;

  const Snapshot* snapshot_;
  PacketSimulator simulator_;
};

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_KERNEL_WALK_H_
