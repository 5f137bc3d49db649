// What becomes of one packet in the `filter` table of a Snapshot, by the rules
// of xtables.
#ifndef NETPOL_EXPLAIN_PACKET_SIMULATOR_H_
#define NETPOL_EXPLAIN_PACKET_SIMULATOR_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

enum class Hook : uint8_t { kInput, kForward, kOutput };

// A packet as the rules see it. Both addresses are of one family, which picks
// the table.
struct SimulatedPacket {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 6;  // IPPROTO_TCP
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint8_t ct_state = CtStateMatch::kNew;  // one bit of CtStateMatch
  uint8_t icmp_type = 0;
  uint32_t mark = 0;
  // The address is one of the host's own.
  bool source_local = false;
  bool destination_local = false;
};

enum class Outcome : uint8_t {
  kAccepted,
  kDropped,
  kRejected,
  kFellThrough,  // left to the host's own rules
};

std::ostream& operator<<(std::ostream& os, Outcome outcome);

// A rule by its place; `chain` points into the simulator.
struct RulePlace {
  absl::string_view chain;
  int index = 0;  // from 0

  friend bool operator==(const RulePlace& a, const RulePlace& b) {
    return a.chain == b.chain && a.index == b.index;
  }
};

struct SimulationResult {
  Outcome outcome = Outcome::kFellThrough;
  uint32_t mark = 0;  // as it left
  int logged = 0;     // NFLOG rules that it met
  // Every rule that matched, in the order of the packet's way.
  std::vector<RulePlace> matched;
  // The rule that accepted, dropped or rejected it.
  absl::optional<RulePlace> decided_by;

  // "kDropped by KUBE-POD-FW-X:3, mark 0x0, way A:0 B:2 KUBE-POD-FW-X:3".
  std::string ToString() const;
};

// A snapshot made ready for millions of packets. Limits always let through;
// a rule that its reader marked foreign never matches. Immutable, thread-safe.
class PacketSimulator {
 public:
  // InvalidArgument for what no kernel would hold: a rule names a chain or set
  // that the snapshot lacks, or chains form a loop. Keeps nothing of
  // `snapshot`.
  static absl::StatusOr<PacketSimulator> Create(const Snapshot& snapshot);

  PacketSimulator(PacketSimulator&&) noexcept;
  PacketSimulator& operator=(PacketSimulator&&) noexcept;
  ~PacketSimulator();

  // Begins in KUBE-ROUTER-INPUT, -FORWARD or -OUTPUT; falls through at once if
  // the family's hooks are not in place.
  SimulationResult Simulate(Hook hook, const SimulatedPacket& packet) const;

  // The outcome alone, without the way: faster.
  Outcome Decide(Hook hook, const SimulatedPacket& packet) const;

 private:
  struct Program;

  explicit PacketSimulator(std::unique_ptr<const Program> program);

  std::unique_ptr<const Program> program_;
};

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_PACKET_SIMULATOR_H_
