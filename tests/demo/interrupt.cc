#include "tests/demo/interrupt.h"

#include <signal.h>

namespace netpol {
namespace {

volatile sig_atomic_t interrupt_signal = 0;

void Remember(int signal) { interrupt_signal = signal; }

}  // namespace

void RememberInterrupts() {
  struct sigaction action = {};
  action.sa_handler = Remember;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    sigaction(signal, &action, nullptr);
}

absl::Status CheckInterrupt() {
  return interrupt_signal == 0 ? absl::OkStatus()
                               : absl::CancelledError("interrupted");
}

int InterruptSignal() { return interrupt_signal; }

}  // namespace netpol
