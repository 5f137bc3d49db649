// What became of a matrix of packets, and what should have.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_TRUTH_TABLE_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_TRUTH_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "netpol/testing/reference_evaluator.h"
#include "tests/kernel/conformance/matrix_probe.h"
#include "tests/kernel/lab/prober.h"

namespace netpol {

// One packet, judged three times over.
struct TruthCell {
  MatrixProbe probe;
  ProbeOutcome outcome = ProbeOutcome::kDropped;  // by the kernel
  Verdict verdict;                                // by the API's definition
  bool by_hand = false;                           // whether it is to arrive

  // A packet is allowed, or it is rejected; nothing is dropped in silence.
  bool ok() const;
};

// Thread-compatible.
class TruthTable {
 public:
  explicit TruthTable(std::vector<MatrixEnd> ends) : ends_(std::move(ends)) {}

  void Add(TruthCell cell) { cells_.push_back(std::move(cell)); }

  size_t size() const { return cells_.size(); }
  // Those where kernel, definition and hand do not all agree.
  size_t wrong() const;
  // Packets from pod to pod that did not arrive.
  int refused_between_pods() const;

  // For each family, protocol and port with something wrong a table, senders
  // down and receivers across: '.' allowed, 'X' refused, '!' wrong, ' ' not
  // sent; equal tables once. Then the first few wrong packets in words.
  std::string Explain() const;

 private:
  std::string Draw(const std::string& traffic) const;

  std::vector<MatrixEnd> ends_;
  std::vector<TruthCell> cells_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_TRUTH_TABLE_H_
