// What becomes of the packets of the matrix, written by hand.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_EXPECTATION_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_EXPECTATION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/testing/packet.h"
#include "tests/kernel/conformance/matrix_probe.h"

namespace netpol {

// One line about one side of packets: what `pods` let in from `peers`, or out
// to them. Lines apply in order, the last that is about a packet decides for
// its side; without one the side lets it through. A packet arrives if both
// sides let it. A pod that is not on the node under test is no side, and from
// the node itself everything gets in.
//
// `pods` and `peers` are alternatives divided by blanks: "x/a", "x/*", "*/a",
// "node", "outside", "*/*" for every pod, "*" for every end. `traffic` is any
// of a family (IPv4), protocols (TCP, UDP, SCTP) and ports (80, 81), divided by
// blanks; what is left out is any.
struct MatrixExpectation {
  bool allowed = false;
  bool ingress = false;
  std::string pods;
  std::string peers;
  std::string traffic;
};

MatrixExpectation DenyIn(absl::string_view pods, absl::string_view from = "*",
                         absl::string_view traffic = "");
MatrixExpectation AllowIn(absl::string_view pods, absl::string_view from = "*",
                          absl::string_view traffic = "");
MatrixExpectation DenyOut(absl::string_view pods, absl::string_view to = "*",
                          absl::string_view traffic = "");
MatrixExpectation AllowOut(absl::string_view pods, absl::string_view to = "*",
                           absl::string_view traffic = "");

using MatrixExpectations = std::vector<MatrixExpectation>;

// Whether `packet` is to get from `from` to `to`.
bool ArrivesBy(const MatrixExpectations& lines, const MatrixEnd& from,
               const MatrixEnd& to, const Packet& packet);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_EXPECTATION_H_
