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
#include "bench/yardstick/fixed_rules.h"

namespace netpol {

// Writes to the network namespace of the calling thread; every error names the
// program that failed. Thread-compatible.
class TopLevel {
 public:
  explicit TopLevel(FixedRuleOptions options) : options_(std::move(options)) {}

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
  absl::Status EnsureAppended(const FixedRule& rule);
  // Such a rule is found among those of the chain by its id.
  absl::Status EnsureAt(const FixedRule& rule, int position);

  absl::Status EnsureHooks();
  absl::Status EnsureExemptions();
  absl::Status EnsureCommon();

  FixedRuleOptions options_;
  int64_t commands_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_TOP_LEVEL_H_
