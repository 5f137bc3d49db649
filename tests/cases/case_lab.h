// The lab as a case's cluster would have it.
#ifndef NETPOL_TESTS_CASES_CASE_LAB_H_
#define NETPOL_TESTS_CASES_CASE_LAB_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// The node under test, as the cases name it and the lab builds it.
inline constexpr char kCaseNode[] = "node-a";
NodeView ViewOfCaseNode();

// What "namespace/pod" (its first address) or a written address stands for.
// NotFound for a pod that does not exist or has no address.
absl::StatusOr<IpAddress> AddressOf(const Cluster& cluster,
                                    const std::string& end);

// A lab that follows a cluster. Thread-compatible; see PacketLab for what it
// needs.
class CaseLab {
 public:
  static absl::StatusOr<std::unique_ptr<CaseLab>> Create();

  // Makes the lab's pods those of the node: running, not on the host's network;
  // two with one address are one. Every other end of `packets` becomes a
  // remote. AlreadyExists if a pod of now was a remote before.
  absl::Status Follow(const Cluster& cluster, absl::Span<const Packet> packets);

  // One outcome per packet.
  absl::StatusOr<std::vector<ProbeOutcome>> Probe(
      absl::Span<const Packet> packets);

  const PacketLab& lab() const { return *lab_; }
  // To add what no cluster knows of.
  PacketLab& lab() { return *lab_; }

 private:
  using Pods = absl::btree_map<std::vector<IpAddress>, std::string>;

  explicit CaseLab(std::unique_ptr<PacketLab> lab) : lab_(std::move(lab)) {}

  absl::Status FollowPods(const Cluster& cluster);

  std::unique_ptr<PacketLab> lab_;
  Pods pods_;  // The names in the lab, by addresses.
  int next_pod_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_CASE_LAB_H_
