// The permanent part of kube-router's layout, looked after rule by rule with
// one program call for each look and each change.
#ifndef NETPOL_BENCH_YARDSTICK_TOP_LEVEL_H_
#define NETPOL_BENCH_YARDSTICK_TOP_LEVEL_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

namespace netpol {

// Writes to the network namespace of the calling thread; every error names the
// program that failed. Thread-compatible.
class TopLevel {
 public:
  // `cluster_ip_ranges` are those of the family.
  TopLevel(Family family, std::vector<std::string> cluster_ip_ranges,
           std::string node_ports)
      : family_(family),
        cluster_ip_ranges_(std::move(cluster_ip_ranges)),
        node_ports_(std::move(node_ports)) {}

  // Once, when the controller starts: the last chain is emptied and filled.
  absl::Status Start();
  // At every sync: the jumps stand first in the hooks, and all is there.
  absl::Status Ensure();

  // What was run so far.
  int64_t commands() const { return commands_; }

 private:
  using Words = std::vector<std::string>;

  // Whether `arguments` of iptables ended well; false is exit code 1.
  absl::StatusOr<bool> Ask(Words arguments);
  absl::Status Do(Words arguments);
  absl::StatusOr<std::string> List(const std::string& chain);

  absl::Status EnsureChain(const std::string& chain);
  absl::Status EnsureAppended(const std::string& chain, const Words& rule);
  // `comment_at` is the place in `rule` of the comment, which gets the id by
  // which the rule is found among those of the chain.
  absl::Status EnsureAt(const std::string& chain, Words rule, size_t comment_at,
                        int position);

  absl::Status EnsureHooks();
  absl::Status EnsureExemptions();
  absl::Status EnsureCommon();

  Family family_;
  std::vector<std::string> cluster_ip_ranges_;
  std::string node_ports_;
  int64_t commands_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_TOP_LEVEL_H_
