// The demo's node: real network namespaces, the real netpolctl, real packets.
#ifndef NETPOL_TESTS_DEMO_DEMO_NODE_H_
#define NETPOL_TESTS_DEMO_DEMO_NODE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/demo/demo_folder.h"
#include "tests/demo/scene.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// Thread-compatible; use it from one thread only, with which its daemon ends.
class DemoNode {
 public:
  // `netpolctl` is the program's path; `folder` is borrowed.
  static absl::StatusOr<std::unique_ptr<DemoNode>> Create(
      std::string netpolctl, const DemoFolder* folder);

  DemoNode(const DemoNode&) = delete;
  DemoNode& operator=(const DemoNode&) = delete;

  // Gives everybody in `scene` who is not there yet a place and addresses.
  absl::Status BringUp(const Scene& scene);

  // What becomes of real packets on the paths of `paths`.
  absl::StatusOr<Verdicts> Measure(const Scene& scene, const Verdicts& paths);

  // Starts `netpolctl run` on the node; it enforces some time later.
  absl::Status StartDaemon();
  // Sends packets again and again until they meet all of `expected`: DataLoss
  // with the differences if they do not within some seconds, Aborted if the
  // daemon ends, Cancelled on an interrupt.
  absl::Status Await(const Scene& scene, const Verdicts& expected);
  // By SIGTERM.
  absl::Status StopDaemon();

  // Runs netpolctl on the node to its end, and returns what it printed; an exit
  // code other than 0 is an error.
  absl::StatusOr<std::string> Netpolctl(std::vector<std::string> arguments);
  // The flag that keeps `run` and `cleanup` off the host's lock.
  std::string RunLockFlag() const;

 private:
  DemoNode(std::string netpolctl, const DemoFolder* folder,
           std::unique_ptr<PacketLab> lab)
      : netpolctl_(std::move(netpolctl)),
        folder_(*folder),
        lab_(std::move(lab)) {}

  Program Command(std::vector<std::string> arguments) const;

  const std::string netpolctl_;
  const DemoFolder& folder_;
  std::unique_ptr<PacketLab> lab_;
  std::unique_ptr<NodeProcess> daemon_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_DEMO_NODE_H_
