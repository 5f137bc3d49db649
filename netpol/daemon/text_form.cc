#include "netpol/daemon/text_form.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "netpol/enforcer/sync_summary.h"

namespace netpol {
namespace {

using Owners = google::protobuf::RepeatedPtrField<v1::Owner>;

// A dispatch chain belongs to every pod below it: a line names a few.
constexpr int kNamedOwners = 4;

std::string OwnerText(const v1::Owner& owner) {
  switch (owner.kind()) {
    case v1::Owner::POD:
      return absl::StrCat("pod ", owner.name());
    case v1::Owner::NETWORK_POLICY:
      return absl::StrCat("policy ", owner.name());
    case v1::Owner::LAYOUT:
      break;
  }
  return "every pod of this node";
}

std::string OwnersText(const Owners& owners) {
  if (owners.empty()) return "nobody, left over";
  std::vector<std::string> names;
  for (const v1::Owner& owner : owners) {
    if (static_cast<int>(names.size()) == kNamedOwners) {
      names.push_back(
          absl::StrCat("and ", owners.size() - kNamedOwners, " more"));
      break;
    }
    names.push_back(OwnerText(owner));
  }
  return absl::StrJoin(names, ", ");
}

void AppendTable(const v1::ShownTable& table, std::string& text) {
  absl::StrAppend(
      &text, "hooks ", table.family(), ": ",
      table.hooks_in_place() ? "in place"
      : table.hooks_found() == 0
          ? "none"
          : absl::StrCat("not in place, ",
                         Counted(table.hooks_found(), "jump", "jumps"),
                         " found"),
      "\n");
  for (const v1::ShownChain& chain : table.chains()) {
    absl::StrAppend(&text, "chain ", table.family(), " ", chain.name(), "  # ",
                    OwnersText(chain.owners()), "\n");
    for (const v1::ShownRule& rule : chain.rules()) {
      absl::StrAppend(&text, "  ", rule.text(), "  # ",
                      OwnersText(rule.owners()), "\n");
    }
  }
}

void AppendSet(const v1::ShownSet& set, std::string& text) {
  absl::StrAppend(&text, "set ", set.name(), " ", set.type(), " ", set.family(),
                  ", ", Counted(set.member_count(), "member", "members"),
                  set.foreign_content() ? ", and content that is not ours" : "",
                  "  # ", OwnersText(set.owners()), "\n");
  for (const std::string& member : set.members())
    absl::StrAppend(&text, "  ", member, "\n");
}

std::string RemovalText(const v1::RemovedTable& table) {
  const std::string where =
      absl::StrCat(table.flavour(), " ", table.family(), ": ");
  if (table.whole()) {
    return absl::StrCat(where, "table ", table.table(),
                        " with all that it held");
  }
  return absl::StrCat(
      where, Counted(table.hooks(), "hook", "hooks"), ", ",
      Counted(table.chains_size(), "chain", "chains"), " with ",
      Counted(table.rules(), "rule", "rules"),
      table.kept().empty()
          ? ""
          : absl::StrCat("; emptied only: ",
                         Counted(table.kept_size(), "chain", "chains")));
}

std::string PlannedRemoval(const v1::CleanupResult& result) {
  if (!result.found_anything())
    return result.complete() ? "nothing of ours is there\n" : "";
  std::string text;
  for (const v1::RemovedTable& table : result.tables()) {
    const std::string where =
        absl::StrCat(table.family(), " (", table.flavour(), ")");
    if (table.whole()) {
      absl::StrAppend(&text, "- table ", where, " ", table.table(), "\n");
      continue;
    }
    absl::StrAppend(&text, "- hooks ", where, ": ",
                    Counted(table.hooks(), "rule", "rules"), "\n");
    for (const std::string& chain : table.chains())
      absl::StrAppend(&text, "- chain ", where, " ", chain, "\n");
    absl::StrAppend(&text, "  with ", Counted(table.rules(), "rule", "rules"),
                    "\n");
  }
  for (const v1::RemovedSets& sets : result.sets()) {
    for (const std::string& name : sets.names())
      absl::StrAppend(&text, "- set ", name, "\n");
  }
  return text;
}

}  // namespace

std::string TextOf(const v1::ApplyResult& result) {
  return absl::StrCat(
      "told: ", Counted(result.namespaces(), "namespace", "namespaces"), ", ",
      Counted(result.pods(), "pod", "pods"), " (", result.local_pods(),
      " on this node), ",
      Counted(result.policies(), "network policy", "network policies"), "\n",
      result.complete() ? "enforced: " : "enforced in part: ",
      Counted(result.sets(), "set", "sets"), ", ",
      Counted(result.chains(), "chain", "chains"), ", ",
      Counted(result.rules(), "rule", "rules"), "\n",
      "done: ", TextOf(result.sync()), "\n");
}

std::string TextOf(const v1::CleanupResult& result) {
  if (result.dry_run()) return PlannedRemoval(result);
  if (!result.found_anything() && result.complete())
    return "nothing of ours was there\n";
  std::string text;
  for (const v1::RemovedTable& table : result.tables())
    absl::StrAppend(&text, "removed: ", RemovalText(table), "\n");
  for (const v1::RemovedSets& sets : result.sets()) {
    absl::StrAppend(&text, "removed: ", sets.family(), ": ",
                    Counted(sets.names_size(), "set", "sets"), "\n");
  }
  if (!result.complete()) absl::StrAppend(&text, "not all could be removed\n");
  return absl::StrCat(text, WritesText(result.kernel_writes()), "\n");
}

std::string TextOf(const v1::PipelineResult& result) {
  std::string text;
  for (const v1::PipelineTable& family : result.families()) {
    if (result.dry_run()) {
      for (const std::string& line : family.dropped_lines())
        absl::StrAppend(&text, "- ", family.family(), " ", line, "\n");
    }
    absl::StrAppend(&text, family.family(), ": ",
                    Counted(family.dropped_lines_size(), "line", "lines"),
                    " of ", family.save_program(),
                    result.dry_run() ? " would be left out" : " left out",
                    family.restored() ? absl::StrCat(", the rest restored by ",
                                                     family.restore_program())
                                      : "",
                    "\n");
  }
  return text;
}

std::string TextOf(const v1::KernelState& state) {
  std::string text;
  for (const v1::ShownTable& table : state.tables()) AppendTable(table, text);
  for (const v1::ShownSet& set : state.sets()) AppendSet(set, text);
  return text;
}

std::string TextOf(const v1::CheckResult& result) {
  size_t width = 0;
  for (const auto& finding : result.findings())
    width = std::max(width, finding.name().size());
  std::string text;
  if (result.has_iptables_backend()) {
    absl::StrAppend(&text, "iptables flavour: ", result.iptables_backend(),
                    "; ", result.backend_reason(), "\n");
  }
  for (const auto& finding : result.findings()) {
    absl::StrAppendFormat(
        &text, "%-7s  %-*s  %s\n", finding.ok() ? "ok" : "missing",
        static_cast<int>(width), finding.name(), finding.detail());
    if (!finding.ok() && !finding.remedy().empty())
      absl::StrAppendFormat(&text, "%-7s  %-*s  → %s\n", "",
                            static_cast<int>(width), "", finding.remedy());
  }
  return text;
}

std::string TextOf(const v1::VersionInfo& version) {
  return absl::StrCat("netpolctl ", version.version(), "\n");
}

std::string ProblemLine(const v1::Problem& problem) {
  const absl::string_view severity =
      problem.severity() == v1::Problem::ERROR     ? "error"
      : problem.severity() == v1::Problem::WARNING ? "warning"
                                                   : "notice";
  return absl::StrCat(severity, ": ", problem.text(), "\n");
}

}  // namespace netpol
