// Keeps the host's signals away from threads that are not the host's.
#ifndef NETPOL_CAPI_SIGNAL_SHIELD_H_
#define NETPOL_CAPI_SIGNAL_SHIELD_H_

#include <signal.h>

namespace netpol {

// While it lives, the calling thread blocks every signal, and so do, for good,
// the threads that it starts and those that these start. What comes meanwhile
// is delivered afterwards, or to another thread.
class SignalShield {
 public:
  SignalShield() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalShield() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalShield(const SignalShield&) = delete;
  SignalShield& operator=(const SignalShield&) = delete;

 private:
  sigset_t before_;
};

}  // namespace netpol

#endif  // NETPOL_CAPI_SIGNAL_SHIELD_H_
