#include "netpol/enforcer/plan_form.h"

#include <string>
#include <vector>

namespace netpol {
namespace {

using PlannedSets = google::protobuf::RepeatedPtrField<v1::PlannedSet>;

void AddSets(const std::vector<PlannedMembers>& sets, PlannedSets* messages) {
  for (const PlannedMembers& set : sets) {
    v1::PlannedSet* message = messages->Add();
    message->set_name(set.set.name.value());
    message->set_type(std::string(SetTypeName(set.set.type)));
    message->set_family(std::string(FamilyName(set.set.family)));
    for (const SetMember& member : set.members)
      message->add_members(member.ToString());
  }
}

void FillChain(const PlannedChain& chain, Family family,
               v1::PlannedChain* message) {
  message->set_name(chain.name.value());
  message->set_change(!chain.existed ? v1::PlannedChain::CREATED
                      : !chain.stays ? v1::PlannedChain::DELETED
                                     : v1::PlannedChain::CHANGED);
  for (const RuleChange& change : RuleChanges(chain, family)) {
    const std::string rule = change.rule->ToString(family);
    change.added ? message->add_added_rules(rule)
                 : message->add_removed_rules(rule);
  }
}

v1::PlannedTable::Hooks HooksOf(HookChange change) {
  switch (change) {
    case HookChange::kEnsure:
      return v1::PlannedTable::ENSURED;
    case HookChange::kRemove:
      return v1::PlannedTable::REMOVED;
    case HookChange::kNone:
      break;
  }
  return v1::PlannedTable::UNCHANGED;
}

}  // namespace

v1::Plan PlanToProto(const Plan& plan) {
  v1::Plan message;
  AddSets(plan.create_sets, message.mutable_create_sets());
  AddSets(plan.replace_sets, message.mutable_replace_sets());
  AddSets(plan.add_before, message.mutable_add_before());
  AddSets(plan.remove_before, message.mutable_remove_before());
  for (const PlannedTable& table : plan.tables) {
    v1::PlannedTable* planned = message.add_tables();
    planned->set_family(std::string(FamilyName(table.family)));
    planned->set_hooks(HooksOf(table.hooks));
    for (const PlannedChain& chain : table.chains)
      FillChain(chain, table.family, planned->add_chains());
  }
  AddSets(plan.add_after, message.mutable_add_after());
  AddSets(plan.remove_after, message.mutable_remove_after());
  for (const SetName& set : plan.destroy_sets)
    message.add_destroy_sets(set.value());
  return message;
}

}  // namespace netpol
