// A node in the packet lab that goes along a walk, and is looked at after every
// step.
#ifndef NETPOL_TESTS_KERNEL_WALK_WALK_NODE_H_
#define NETPOL_TESTS_KERNEL_WALK_WALK_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/controller.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/walk/tamperer.h"
#include "tests/kernel/walk/walk.pb.h"
#include "tests/kernel/walk/walk_setup.h"

namespace netpol {

// Which law a walk broke.
enum class WalkLaw : uint8_t {
  kSync,      // a sync succeeds and has nothing to complain about
  kRuleset,   // the kernel holds what a fresh start would write
  kSaveText,  // and the kernel's own tools say so too
  kVerdict,   // every packet meets the API's verdict
};

struct WalkFailure {
  WalkLaw law = WalkLaw::kSync;
  std::string what;             // for people
  std::vector<Packet> packets;  // those that were judged wrongly
  bool let_through = false;     // the first of them was
};

// What went well.
struct WalkTally {
  int allowed = 0;
  int denied = 0;
  int syncs = 0;
  int writes = 0;    // syncs that wrote
  int tampered = 0;  // what somebody else changed

  void Add(const WalkTally& other);
};

// Owns a lab and a controller in its node. Thread-compatible. A status that is
// not OK is about the lab, not about what is under test.
class WalkNode {
 public:
  // The lab has every pod of the setup's pools; with `only`, those that these
  // packets need, which makes it in a fraction of the time.
  static absl::StatusOr<std::unique_ptr<WalkNode>> Create(
      const WalkSetup& setup,
      const absl::optional<std::vector<Packet>>& only = absl::nullopt);

  // Nothing if the controller could do all of it.
  absl::StatusOr<absl::optional<WalkFailure>> Take(const v1::WalkStep& step);

  // What follows asks whether the kernel is right for the cluster as it is.
  absl::StatusOr<absl::optional<WalkFailure>> CheckRuleset();
  // By iptables-save and ipset save: slower.
  absl::StatusOr<absl::optional<WalkFailure>> CheckSaveText();
  // By sending `packets`, which IsJudged().
  absl::StatusOr<absl::optional<WalkFailure>> CheckVerdicts(
      const std::vector<Packet>& packets);

  // Whether the packet leaves its pod, node or world, and is not for the ports
  // that a service proxy may translate.
  bool IsJudged(const Packet& packet) const;

  const Cluster& cluster() const { return cluster_; }
  const WalkTally& tally() const { return tally_; }

 private:
  WalkNode(const WalkSetup& setup, std::unique_ptr<PacketLab> lab);

  absl::Status Start();
  // Whether anything is different now.
  absl::StatusOr<bool> TamperAsIn(const v1::WalkStep& step);
  absl::Status TakeOnNode(const v1::WalkStep& step, bool tampered);
  absl::Status Sync();
  absl::Status CheckNothingToDo();
  absl::Status AddAddresses(const absl::optional<std::vector<Packet>>& only);
  absl::StatusOr<Snapshot> ReadKernel() const;
  absl::StatusOr<Snapshot> FromScratch() const;

  WalkSetup setup_;
  std::unique_ptr<PacketLab> lab_;
  Tamperer tamperer_;
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;
  WalkTally tally_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_WALK_NODE_H_
