// The story that the demo tells, each claim checked by packets.
#ifndef NETPOL_TESTS_DEMO_SCENARIO_H_
#define NETPOL_TESTS_DEMO_SCENARIO_H_

#include <string>

#include "absl/status/status.h"
#include "tests/demo/demo_folder.h"
#include "tests/demo/demo_node.h"
#include "tests/demo/scene.h"
#include "tests/demo/screen.h"

namespace netpol {

// Thread-compatible.
class Scenario {
 public:
  // How often Run() calls Screen::Step().
  static constexpr int kSteps = 8;

  // All are borrowed.
  Scenario(DemoFolder* folder, DemoNode* node, Screen* screen)
      : folder_(*folder), node_(*node), screen_(*screen) {}

  // From the empty node to the clean one. DataLoss, with the paths concerned,
  // at the first packet that does not meet the API's verdict; Cancelled on an
  // interrupt.
  absl::Status Run();

 private:
  absl::Status BuildNode();
  absl::Status ShowOpenNode();
  absl::Status ShowEnforcement();
  // Edits a manifest and waits until packets follow.
  absl::Status Follow(const std::string& edit);
  absl::Status ShowStop();
  absl::Status ShowCleanup();

  // Sends a packet on every path and checks it; what was measured becomes
  // `shown_`.
  absl::Status Check(bool enforced);
  // Check(), then the table; `mark`: with the changes since the last one.
  absl::Status CheckAndShow(bool enforced, bool mark);

  DemoFolder& folder_;
  DemoNode& node_;
  Screen& screen_;
  Scene scene_;
  Verdicts shown_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_SCENARIO_H_
