// Reads the folder of a case: what the cluster goes through, and what is to be
// seen after each step.
#ifndef NETPOL_TESTS_CASES_CASE_READER_H_
#define NETPOL_TESTS_CASES_CASE_READER_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// A new connection and its verdict. The ends are "namespace/pod", which stands
// for the pod's first address, or an address.
struct CaseCheck {
  std::string from;
  std::string to;
  uint8_t protocol = 0;  // An IPPROTO_ number.
  uint16_t port = 0;
  bool allowed = false;

  friend std::ostream& operator<<(std::ostream& os, const CaseCheck& check);
};

struct CaseStep {
  int number = 1;
  std::vector<v1::WatchEvent> deletes;  // Of objects that exist before.
  std::string manifests;  // The path of what is created or replaced, or empty.
  std::vector<CaseCheck> checks;
};

struct Case {
  std::string id;  // "C001"
  std::vector<CaseStep> steps;
};

// The case that `text`, an expect.yaml, describes. It has `checks`, which hold
// for manifests.yaml, or `steps` with any of `apply` (a file of `folder`),
// `delete` (Kind/namespace/name; pods and policies) and `checks`. Anything
// that is not understood, and a case without a check, is InvalidArgument: what
// is passed over would look as if it had been tested.
absl::StatusOr<Case> ParseCase(const std::string& text,
                               const std::string& folder);

// The same for the expect.yaml in `folder`, whose name must be the case's id.
// NotFound if there is none.
absl::StatusOr<Case> ReadCase(const std::string& folder);

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_CASE_READER_H_
