#include "tests/controller/simulated_node.h"

#include <algorithm>
#include <utility>

#include "gtest/gtest.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/snapshot_text.h"

namespace netpol {
LayoutOptions BothFamilies() {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  // Few pods here are selected by so many as would be joined else.
  layout.most_chains_in_a_row = 2;
  return layout;
}

SimulatedPacket FirstPacket(absl::string_view source,
                            absl::string_view destination, uint16_t port,
                            uint8_t protocol) {
  SimulatedPacket packet;
  packet.source = *IpAddress::Parse(source);
  packet.destination = *IpAddress::Parse(destination);
  packet.destination_port = port;
  packet.protocol = protocol;
  return packet;
}

SimulatedNode::SimulatedNode(LayoutOptions layout)
    : layout_(std::move(layout)) {
  Start(std::make_unique<FakeDataplane>());
}

void SimulatedNode::Start(std::unique_ptr<FakeDataplane> kernel) {
  kernel_ = kernel.get();
  ControllerOptions options;
  options.node_name = kName;
  options.layout = layout_;
  controller_ = *Controller::Create(std::move(options), std::move(kernel));
}

void SimulatedNode::Restart() {
  auto next = std::make_unique<FakeDataplane>();
  const absl::Status loaded = next->Load(kernel_->state());
  EXPECT_TRUE(loaded.ok()) << loaded;
  Start(std::move(next));
}

void SimulatedNode::Restart(LayoutOptions layout) {
  layout_ = std::move(layout);
  Restart();
}

void SimulatedNode::Tell(const v1::WatchEvent& event) {
  const absl::Status status = controller_->OnEvent(event);
  EXPECT_TRUE(status.ok()) << status;
}

void SimulatedNode::Tell(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events) Tell(event);
}

void SimulatedNode::TellListed() { Tell(ListingOf(Cluster())); }

SyncReport SimulatedNode::Sync() {
  absl::StatusOr<SyncReport> report = controller_->Sync();
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : SyncReport();
}

bool SimulatedNode::Reaches(absl::string_view source,
                            absl::string_view destination) const {
  return GoesOn(Decide(Hook::kForward, FirstPacket(source, destination, 80)));
}

Outcome SimulatedNode::Decide(Hook hook, const SimulatedPacket& packet) const {
  const absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(kernel_->state());
  if (!simulator.ok()) {
    ADD_FAILURE() << simulator.status();
    return Outcome::kDropped;
  }
  return simulator->Decide(hook, packet);
}

std::vector<std::string> SimulatedNode::Members(const SetName& name) const {
  const ObservedSet* set = kernel_->sets().FindOrNull(name);
  if (set == nullptr) return {"no set"};
  std::vector<std::string> members;
  for (const SetMember& member : set->members)
    members.push_back(member.ToString());
  std::sort(members.begin(), members.end());
  return members;
}

std::vector<std::string> SimulatedNode::Rules(Family family,
                                              const ChainName& chain) const {
  const ObservedTable table = kernel_->table(family).Observe();
  const auto it = table.chains.find(chain);
  if (it == table.chains.end()) return {"no chain"};
  std::vector<std::string> texts;
  for (const Rule& rule : it->second) texts.push_back(rule.ToString(family));
  return texts;
}

std::string SimulatedNode::Contents() const {
  return ContentsOf(kernel_->state());
}

}  // namespace netpol
