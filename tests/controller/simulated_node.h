// A controller over a kernel in memory, and what becomes of packets there.
#ifndef NETPOL_TESTS_CONTROLLER_SIMULATED_NODE_H_
#define NETPOL_TESTS_CONTROLLER_SIMULATED_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {

// Both families, and otherwise the defaults.
LayoutOptions BothFamilies();

// The first packet of a connection; both addresses as text.
SimulatedPacket FirstPacket(absl::string_view source,
                            absl::string_view destination, uint16_t port,
                            uint8_t protocol = 6);

// A node called kName. What must not fail is a failure of the test.
// Thread-compatible.
class SimulatedNode {
 public:
  static constexpr char kName[] = "node-a";

  explicit SimulatedNode(LayoutOptions layout = BothFamilies());

  // A new controller over a kernel with the old one's content; it knows nothing
  // yet. What kernel() and controller() returned is gone.
  void Restart();
  // The same with other options.
  void Restart(LayoutOptions layout);

  void Tell(const v1::WatchEvent& event);
  void Tell(const std::vector<v1::WatchEvent>& events);
  void Add(const PodBuilder& pod) { Tell(Upsert(pod.Build())); }
  void Add(const PolicyBuilder& policy) { Tell(Upsert(policy.Build())); }
  // The end of the listing of every kind.
  void TellListed();
  SyncReport Sync();

  // Whether a forwarded TCP packet to port 80 passes; the kernel as it is.
  bool Reaches(absl::string_view source, absl::string_view destination) const;
  Outcome Decide(Hook hook, const SimulatedPacket& packet) const;

  // Members of a set as text, sorted; "no set" if there is none.
  std::vector<std::string> Members(const SetName& name) const;
  // Rules of a chain as text; "no chain" if there is none.
  std::vector<std::string> Rules(Family family, const ChainName& chain) const;
  // Every set, member, chain and rule, in order.
  std::string Contents() const;

  FakeDataplane& kernel() { return *kernel_; }
  Controller& controller() { return *controller_; }

 private:
  void Start(std::unique_ptr<FakeDataplane> kernel);

  LayoutOptions layout_;
  FakeDataplane* kernel_ = nullptr;  // the controller's
  std::unique_ptr<Controller> controller_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CONTROLLER_SIMULATED_NODE_H_
