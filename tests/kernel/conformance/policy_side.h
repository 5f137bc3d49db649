// One direction of policies, so that a case is written once and run both ways.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_POLICY_SIDE_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_POLICY_SIDE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {

// Ingress or egress. A value.
class PolicySide {
 public:
  explicit PolicySide(bool ingress) : ingress_(ingress) {}

  bool ingress() const { return ingress_; }
  // "Ingress" or "Egress".
  std::string type() const { return ingress_ ? "Ingress" : "Egress"; }

  // A policy of this direction alone, still without rules.
  PolicyBuilder Policy(absl::string_view ns, absl::string_view name) const;
  // Appends a rule of this direction.
  PolicyBuilder With(PolicyBuilder policy,
                     const PolicyBuilder::Peers& peers = {},
                     const PolicyBuilder::Ports& ports = {}) const;

  // DenyIn() and AllowIn(), or DenyOut() and AllowOut().
  MatrixExpectation Deny(absl::string_view pods, absl::string_view peers = "*",
                         absl::string_view traffic = "") const;
  MatrixExpectation Allow(absl::string_view pods, absl::string_view peers = "*",
                          absl::string_view traffic = "") const;

 private:
  bool ingress_;
};

inline const PolicySide kPolicySides[] = {PolicySide(true), PolicySide(false)};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_POLICY_SIDE_H_
