// Ctrl-C ends the demo like an error: everything is taken down in order.
#ifndef NETPOL_TESTS_DEMO_INTERRUPT_H_
#define NETPOL_TESTS_DEMO_INTERRUPT_H_

#include "absl/status/status.h"

namespace netpol {

// From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE (nobody reads us any more)
// are only remembered.
void RememberInterrupts();

// Cancelled once one of them came.
absl::Status CheckInterrupt();

// The signal that came; 0 if none.
int InterruptSignal();

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_INTERRUPT_H_
