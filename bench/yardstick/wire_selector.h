// A label selector as the API writes it, ready to be matched.
#ifndef NETPOL_BENCH_YARDSTICK_WIRE_SELECTOR_H_
#define NETPOL_BENCH_YARDSTICK_WIRE_SELECTOR_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "proto/k8s/meta.pb.h"

namespace netpol {

// The labels of one object, in the container that the original has them in.
using LabelMap = absl::flat_hash_map<std::string, std::string>;

// Borrows the message. A requirement with an unknown operator matches nothing.
// Thread-compatible.
class WireSelector {
 public:
  explicit WireSelector(const k8s::LabelSelector& selector)
      : selector_(&selector) {}

  bool Matches(const LabelMap& labels) const;

 private:
  const k8s::LabelSelector* selector_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_WIRE_SELECTOR_H_
