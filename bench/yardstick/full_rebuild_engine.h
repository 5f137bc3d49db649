// A network policy controller of the common kind, to measure ours against: on
// every event it writes everything again. For benchmarks only.
//
// It does what kube-router's controller does with iptables (v2.11): lists all
// rules and sets with the real programs, builds the text of every policy of the
// cluster, whether or not a pod of this node is concerned, restores every set
// by way of a temporary one, gives every chain a new name, restores the whole
// table, and destroys what was left over. Where the original is slower than the
// work needs (it looks for every old chain's name in every line of text, and
// copies the text for each pod) this one is not, so it is a lower bound of the
// original's cost.
#ifndef NETPOL_BENCH_YARDSTICK_FULL_REBUILD_ENGINE_H_
#define NETPOL_BENCH_YARDSTICK_FULL_REBUILD_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bench/yardstick/object_cache.h"
#include "bench/yardstick/policy_model.h"
#include "bench/yardstick/set_restore.h"
#include "netpol/base/ip.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct FullRebuildOptions {
  // Pods with this spec.nodeName are local. (The original compares
  // status.hostIP with the node's addresses.)
  std::string node_name;
  std::vector<Family> families = {Family::kIPv4};
  // Service ranges, as "address/length"; those of other families are passed
  // over.
  std::vector<std::string> cluster_ip_ranges;
  std::string node_ports = "30000:32767";
  // What filling all sets of a family may take of CPU time; then Sync() ends
  // with DeadlineExceeded. That takes ipset minutes where sets are many.
  absl::Duration set_restore_limit = absl::InfiniteDuration();
};

// What one Sync() wrote, over all families.
struct FullRebuildReport {
  int64_t policies = 0;
  int64_t local_pods = 0;
  int64_t commands = 0;  // programs that were run
  int64_t sets = 0;
  int64_t set_entries = 0;
  int64_t set_bytes = 0;    // text given to `ipset restore`
  int64_t chains = 0;       // of the whole table, built-in ones too
  int64_t rules = 0;        // likewise
  int64_t table_bytes = 0;  // text given to `iptables-legacy-restore`
};

// Works in the network namespace of the thread that calls Sync(). Needs root,
// ipset and the legacy iptables programs; they take the lock that
// XTABLES_LOCKFILE names. Thread-compatible.
//
// Leaves the rules in place when it goes: they vanish with the namespace.
class FullRebuildEngine {
 public:
  // InvalidArgument without a node name, or for a range that cannot be read.
  static absl::StatusOr<std::unique_ptr<FullRebuildEngine>> Create(
      std::string node_name);
  static absl::StatusOr<std::unique_ptr<FullRebuildEngine>> Create(
      FullRebuildOptions options);

  // Memory only. Objects without a name are passed over.
  void OnEvent(const v1::WatchEvent& event) { cache_.Apply(event); }

  // Writes everything. Errors name the program that failed and what it said;
  // sets may be new then while the rules are still the old ones.
  absl::Status Sync();

  // Of the last Sync(); as far as it came, if it failed.
  const FullRebuildReport& report() const { return report_; }

 private:
  explicit FullRebuildEngine(FullRebuildOptions options)
      : options_(std::move(options)) {}

  absl::Status SyncFamily(Family family, const std::string& version,
                          const std::vector<PolicyModel>& policies);
  absl::Status RestoreSets(Family family, const SetRestore& sets);
  absl::Status RestoreTable(Family family, absl::string_view saved,
                            absl::string_view added,
                            const absl::flat_hash_set<std::string>& active);
  absl::Status DestroyStaleSets(Family family, const SetRestore& sets);

  FullRebuildOptions options_;
  ObjectCache cache_;
  FullRebuildReport report_;
  bool started_ = false;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_FULL_REBUILD_ENGINE_H_
