// One UDP conversation, to see what established traffic may do.
#ifndef NETPOL_TESTS_KERNEL_LAB_UDP_FLOW_H_
#define NETPOL_TESTS_KERNEL_LAB_UDP_FLOW_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/lab/prober.h"

namespace netpol {

// Datagrams between two fixed ports. For connection tracking the first one
// forward makes the flow NEW, the first reply makes it ESTABLISHED. A value;
// `prober` is borrowed.
class UdpFlow {
 public:
  UdpFlow(Prober* prober, const Flow& forward)
      : prober_(prober), forward_(forward) {}

  absl::StatusOr<ProbeOutcome> SendForward() { return Send(forward_); }
  absl::StatusOr<ProbeOutcome> SendReply() { return Send(Reversed(forward_)); }

 private:
  absl::StatusOr<ProbeOutcome> Send(const Flow& flow) {
    ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                     prober_->SendFlows(absl::MakeConstSpan(&flow, 1)));
    return outcomes.front();
  }

  Prober* prober_;
  Flow forward_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_UDP_FLOW_H_
