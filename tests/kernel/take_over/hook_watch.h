// Looks at the jumps from the built-in chains, again and again.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_HOOK_WATCH_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_HOOK_WATCH_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "netpol/dataplane/flavour.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// What is wrong with the jumps from INPUT, FORWARD and OUTPUT of both families:
// in each one of `flavours` at least has a jump, none has two, and it stands
// first. Empty if nothing is. The flavour that is left comes before the one
// that is entered: each is looked at in its turn.
std::string HookFault(const NetNs& ns, const std::vector<Flavour>& flavours);

// Calls HookFault() in a thread of its own. `ns` is borrowed.
class HookWatch {
 public:
  HookWatch(const NetNs* ns, std::vector<Flavour> flavours);
  ~HookWatch() { End(); }

  // The first fault there was; empty if none.
  const std::string& End();

  // Of all jumps; good after End().
  int looks() const { return looks_; }

 private:
  std::atomic<bool> over_ = false;
  std::string fault_;
  int looks_ = 0;
  std::thread thread_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_HOOK_WATCH_H_
