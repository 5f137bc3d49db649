#include "netpol/daemon/kernel_state.h"

#include <algorithm>
#include <string>

#include "netpol/daemon/ownership.h"

namespace netpol {
namespace {

using OwnerMessages = google::protobuf::RepeatedPtrField<v1::Owner>;

v1::Owner::Kind KindOf(RuleOwner::Kind kind) {
  switch (kind) {
    case RuleOwner::Kind::kPod:
      return v1::Owner::POD;
    case RuleOwner::Kind::kPolicy:
      return v1::Owner::NETWORK_POLICY;
    case RuleOwner::Kind::kLayout:
      break;
  }
  return v1::Owner::LAYOUT;
}

void AddOwners(const RuleOwners& owners, OwnerMessages* messages) {
  for (const RuleOwner& owner : owners) {
    v1::Owner* message = messages->Add();
    message->set_kind(KindOf(owner.kind));
    message->set_name(owner.name);
  }
}

void FillTable(Family family, const ObservedTable& table,
               const Ownership& ownership, v1::ShownTable* message) {
  message->set_family(std::string(FamilyName(family)));
  message->set_hooks_in_place(table.hooks_in_place);
  message->set_hooks_found(static_cast<uint32_t>(table.hooks_found));
  for (const auto& [name, rules] : table.chains) {
    v1::ShownChain* chain = message->add_chains();
    chain->set_name(name.value());
    AddOwners(ownership.OfChain(family, name), chain->mutable_owners());
    for (const Rule& rule : rules) {
      v1::ShownRule* shown = chain->add_rules();
      shown->set_text(rule.ToString(family));
      AddOwners(ownership.OfRule(family, name, rule), shown->mutable_owners());
    }
  }
}

void FillSet(const SetName& name, const ObservedSet& set,
             const Ownership& ownership, v1::ShownSet* message) {
  message->set_name(name.value());
  message->set_type(std::string(SetTypeName(set.spec.type)));
  message->set_family(std::string(FamilyName(set.spec.family)));
  AddOwners(ownership.OfSet(name), message->mutable_owners());
  message->set_member_count(static_cast<uint32_t>(set.members.size()));
  std::vector<SetMember> members(set.members.begin(), set.members.end());
  std::sort(members.begin(), members.end());
  for (const SetMember& member : members)
    message->add_members(member.ToString());
  message->set_foreign_content(set.foreign_content);
}

}  // namespace

v1::KernelState KernelStateOf(const Snapshot& snapshot,
                              const std::vector<Family>& families) {
  const Ownership ownership(snapshot);
  v1::KernelState state;
  for (Family family : families)
    FillTable(family, snapshot.table(family), ownership, state.add_tables());
  for (const auto& [name, set] : snapshot.sets)
    FillSet(name, set, ownership, state.add_sets());
  return state;
}

}  // namespace netpol
