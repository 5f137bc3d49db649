// kube-router's names. Each is a prefix and 16 characters of a hash over plain
// concatenation.
#ifndef NETPOL_BENCH_YARDSTICK_YARDSTICK_NAMES_H_
#define NETPOL_BENCH_YARDSTICK_YARDSTICK_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

// Which end of a policy's traffic a set or chain is about.
enum class RuleKind { kIngress, kEgress };

inline constexpr absl::string_view kPolicyChainPrefix = "KUBE-NWPLCY-";
inline constexpr absl::string_view kPodChainPrefix = "KUBE-POD-FW-";

// Chains have new names at every sync: `version` is its time.
std::string YardstickPolicyChain(absl::string_view ns, absl::string_view policy,
                                 absl::string_view version, Family family);
std::string YardstickPodChain(absl::string_view ns, absl::string_view pod,
                              absl::string_view version);

// The names of the sets of one policy for one family. Not versioned.
class YardstickSetNames {
 public:
  // Borrows both names.
  YardstickSetNames(absl::string_view ns, absl::string_view policy,
                    Family family)
      : ns_(ns), policy_(policy), family_(family) {}

  // The pods that the policy selects.
  std::string Targets(RuleKind kind) const;
  // Of rule number `rule`, from 0: its pods, its blocks, and the pods where its
  // named port number `port` has one meaning.
  std::string Peers(RuleKind kind, int rule) const;
  std::string Blocks(RuleKind kind, int rule) const;
  std::string NamedPort(RuleKind kind, int rule, int port) const;

 private:
  std::string Name(absl::string_view prefix, absl::string_view middle,
                   absl::string_view end) const;

  absl::string_view ns_;
  absl::string_view policy_;
  Family family_;
};

// The set by which sets with these create options are filled.
std::string TemporarySet(absl::string_view create_options);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_YARDSTICK_NAMES_H_
