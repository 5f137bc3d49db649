// Every policy with its selectors resolved: what the original builds of the
// whole cluster at the start of each sync.
#ifndef NETPOL_BENCH_YARDSTICK_POLICY_MODEL_H_
#define NETPOL_BENCH_YARDSTICK_POLICY_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "bench/yardstick/object_cache.h"

namespace netpol {

// A port of a rule by number.
struct PortModel {
  std::string protocol;
  std::string numbers;  // "80", "80:90", or empty for every port
};

// A port of a rule by name, resolved to one number, with the pods where the
// name means this number.
struct NamedPortModel {
  std::string protocol;
  int32_t number = 0;
  std::vector<const CachedPod*> pods;
};

// An ingress or egress rule.
struct RuleModel {
  bool all_peers = false;
  bool all_ports = false;
  std::vector<const CachedPod*> peers;
  std::vector<const k8s::IPBlock*> blocks;
  std::vector<PortModel> ports;
  std::vector<NamedPortModel> named_ports;
};

// Borrows from the cache.
struct PolicyModel {
  absl::string_view ns;
  absl::string_view name;
  bool ingress = false;  // policyTypes; neither given means ingress
  bool egress = false;
  absl::flat_hash_map<absl::string_view, const CachedPod*> targets;  // by podIP
  std::vector<RuleModel> ingress_rules;
  std::vector<RuleModel> egress_rules;
};

// All policies of the cluster, ordered by namespace and name. Good until the
// cache changes.
std::vector<PolicyModel> BuildPolicyModels(const ObjectCache& cache);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_POLICY_MODEL_H_
