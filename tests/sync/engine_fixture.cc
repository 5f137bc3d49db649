#include "tests/sync/engine_fixture.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace netpol {
SetMember Member(absl::string_view address) {
  return SetMember::Address(*IpAddress::Parse(address));
}

SetContent Allowing(absl::string_view name,
                    std::initializer_list<absl::string_view> members) {
  SetContent content;
  content.name = SetName(name);
  if (absl::string_view(name).substr(0, 6) == "inet6:")
    content.family = Family::kIPv6;
  for (absl::string_view member : members)
    content.members.push_back(Member(member));
  return content;
}

SetContent Judging(Family family,
                   std::initializer_list<absl::string_view> members) {
  SetContent content = Allowing(SetName(family, kJudged).value(), members);
  content.effect = SetEffect::kJudges;
  return content;
}

MemberChange Present(absl::string_view set, absl::string_view member) {
  return {SetName(set), Member(member), true};
}
MemberChange Absent(absl::string_view set, absl::string_view member) {
  return {SetName(set), Member(member), false};
}

Rule AcceptFrom(absl::string_view set) {
  Rule rule;
  rule.matches = {SetMatch{SetName(set), Side::kSource}};
  rule.action = AcceptAction{};
  return rule;
}

Rule JumpTo(absl::string_view chain) {
  Rule rule;
  rule.action = JumpAction{ChainName(chain)};
  return rule;
}

RulesetChange Base(Family family) {
  RulesetChange change;
  change.sets = {Judging(family, {})};
  Rule judge = JumpTo(kPolicy);
  judge.matches = {SetMatch{SetName(family, kJudged), Side::kDestination}};
  for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
    change.table(family).chains.push_back({ChainName(hook), {judge}});
  change.table(family).chains.push_back({ChainName(kPolicy), {}});
  return change;
}

std::vector<std::string> Deeds(const FakeDataplane& kernel) {
  std::vector<std::string> deeds;
  for (const Operation& operation : kernel.log()) {
    if (operation.kind == OperationKind::kRead) continue;
    deeds.push_back(
        absl::StrCat(OperationName(operation.kind), " ",
                     operation.kind == OperationKind::kCommitTable
                         ? FamilyName(operation.change.family)
                         : absl::string_view(operation.set.value())));
  }
  return deeds;
}

SyncReport EngineTest::Apply(RulesetChange change) {
  engine_.Stage(std::move(change));
  SyncReport report = Sync();
  for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  EXPECT_FALSE(report.retry);
  return report;
}

SyncReport EngineTest::Sync() {
  absl::StatusOr<SyncReport> report = engine_.Sync();
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : SyncReport();
}

std::vector<std::string> EngineTest::MembersInKernel(
    absl::string_view set) const {
  std::vector<SetMember> members;
  if (const ObservedSet* found = kernel_.sets().FindOrNull(SetName(set)))
    members.assign(found->members.begin(), found->members.end());
  std::sort(members.begin(), members.end());
  std::vector<std::string> texts;
  for (const SetMember& member : members) texts.push_back(member.ToString());
  return texts;
}

bool EngineTest::SetInKernel(absl::string_view set) const {
  return kernel_.sets().FindOrNull(SetName(set)) != nullptr;
}

std::vector<std::string> EngineTest::RulesInKernel(
    Family family, absl::string_view chain) const {
  const ObservedTable table = kernel_.table(family).Observe();
  auto it = table.chains.find(ChainName(chain));
  if (it == table.chains.end()) return {"no chain"};
  std::vector<std::string> texts;
  for (const Rule& rule : it->second) texts.push_back(rule.ToString(family));
  return texts;
}

}  // namespace netpol
