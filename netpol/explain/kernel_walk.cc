#include "netpol/explain/kernel_walk.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "netpol/base/status_macros.h"
#include "netpol/compile/layout.h"

namespace netpol {
namespace {

Hook HookOf(const PathQuestion& question) {
  if (question.source_is_node) return Hook::kOutput;
  return question.destination_is_node ? Hook::kInput : Hook::kForward;
}

SimulatedPacket PacketOf(const PathQuestion& question, uint16_t port) {
  constexpr uint8_t kEchoRequest[] = {8, 128};  // by Family
  SimulatedPacket packet;
  packet.source = question.source;
  packet.destination = question.destination;
  packet.protocol = question.protocol;
  packet.destination_port = port;
  packet.source_local = question.source_is_node;
  packet.destination_local = question.destination_is_node;
  if (question.is_icmp())
    packet.icmp_type = kEchoRequest[static_cast<int>(question.source.family)];
  return packet;
}

bool Passes(Outcome outcome) {
  return outcome == Outcome::kAccepted || outcome == Outcome::kFellThrough;
}

}  // namespace

absl::StatusOr<KernelWalk> KernelWalk::Create(const Snapshot& snapshot) {
  ASSIGN_OR_RETURN(PacketSimulator simulator,
                   PacketSimulator::Create(snapshot));
  return KernelWalk(snapshot, std::move(simulator));
}

int KernelWalk::RulesBeforeOurs(const PathQuestion& question) const {
  const ObservedTable& table = snapshot_->table(question.source.family);
  return table.hooks_in_place
             ? 0
             : table.rules_before_hook[static_cast<size_t>(HookOf(question))];
}

PortSet KernelWalk::AllowedPorts(const PathQuestion& question) const {
  const Hook hook = HookOf(question);
  SimulatedPacket packet = PacketOf(question, 0);
  std::vector<PortRange> allowed;
  for (int number = 1; number <= 65535; ++number) {
    const auto port = static_cast<uint16_t>(number);
    packet.destination_port = port;
    if (!Passes(simulator_.Decide(hook, packet))) continue;
    if (!allowed.empty() && allowed.back().last + 1 == number) {
      allowed.back().last = port;
    } else {
      allowed.push_back({port, port});
    }
  }
  return PortSet(allowed);
}

KernelRule KernelWalk::RuleAt(Family family, const RulePlace& place) const {
  const Rule& rule =
      snapshot_->table(family).chains.at(ChainName(place.chain))[place.index];
  return KernelRule{std::string(place.chain), place.index + 1,
                    rule.ToString(family), rule.comment};
}

KernelVerdict KernelWalk::Follow(const PathQuestion& question,
                                 uint16_t port) const {
  const Family family = question.source.family;
  const ObservedTable& table = snapshot_->table(family);
  KernelVerdict verdict;
  verdict.hook = HookOf(question);
  const SimulationResult result =
      simulator_.Simulate(verdict.hook, PacketOf(question, port));
  verdict.outcome = result.outcome;
  if (result.decided_by)
    verdict.decided_by = RuleAt(family, *result.decided_by);
  absl::btree_set<ChainName> seen;
  for (const RulePlace& place : result.matched) {
    verdict.way.push_back(RuleAt(family, place));
    const ChainName chain(place.chain);
    const std::vector<Rule>& rules = table.chains.at(chain);
    const ChainName* target = TargetChain(rules[place.index]);
    if (target != nullptr && *target == AllowChain())
      verdict.allowed_by.push_back(verdict.way.back());
    if (!seen.insert(chain).second) continue;
    for (int i = 0; i < static_cast<int>(rules.size()); ++i) {
      if (rules[i].foreign.empty()) continue;
      verdict.not_understood.push_back(RuleAt(family, {place.chain, i}));
    }
  }
  return verdict;
}

}  // namespace netpol
