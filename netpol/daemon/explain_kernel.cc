#include "netpol/daemon/explain_kernel.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/explain_answer.h"
#include "netpol/explain/kernel_walk.h"
#include "netpol/explain/path_question.h"
#include "netpol/explain/policy_verdict.h"
#include "netpol/explain/port_set.h"

namespace netpol {
namespace {

const char* HookText(Hook hook) {
  switch (hook) {
    case Hook::kInput:
      return "INPUT";
    case Hook::kForward:
      return "FORWARD";
    case Hook::kOutput:
      break;
  }
  return "OUTPUT";
}

const char* OutcomeText(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAccepted:
      return "accepted";
    case Outcome::kDropped:
      return "dropped";
    case Outcome::kRejected:
      return "rejected";
    case Outcome::kFellThrough:
      break;
  }
  return "left to the host's own rules";
}

absl::StatusOr<PathQuestion> QuestionOf(const v1::Explanation& explanation,
                                        const v1::ExplainedPath& path) {
  PathQuestion question;
  ASSIGN_OR_RETURN(question.source, IpAddress::Parse(path.source()));
  ASSIGN_OR_RETURN(question.destination, IpAddress::Parse(path.destination()));
  question.protocol =
      ProtocolNumber(explanation.protocol(), question.source.family);
  if (explanation.has_port())
    question.port = static_cast<uint16_t>(explanation.port());
  question.source_is_node = path.source_is_node();
  question.destination_is_node = path.destination_is_node();
  return question;
}

// What the sides that are enforced here let through; unless every port was
// asked for, all stands for yes.
PortSet ExpectedHere(const v1::ExplainedPath& path,
                     const PathQuestion& question) {
  PortSet expected = PortSet::All();
  for (const v1::ExplainedSide* side : {&path.egress(), &path.ingress()}) {
    if (!side->enforced_here()) continue;
    if (question.asks_every_port()) {
      expected = expected & PortsIn(side->allowed_ports());
    } else if (side->verdict() != VerdictText(true)) {
      expected = PortSet();
    }
  }
  return expected;
}

v1::KernelRule ToProto(const KernelRule& rule) {
  v1::KernelRule message;
  message.set_chain(rule.chain);
  message.set_number(static_cast<uint32_t>(rule.number));
  message.set_rule(rule.text);
  message.set_comment(rule.comment);
  return message;
}

void FillWay(const KernelVerdict& verdict, v1::ExplainedKernel& message) {
  message.set_hook(HookText(verdict.hook));
  message.set_outcome(OutcomeText(verdict.outcome));
  if (verdict.decided_by)
    *message.mutable_decided_by() = ToProto(*verdict.decided_by);
  for (const KernelRule& rule : verdict.allowed_by)
    *message.add_allowed_by() = ToProto(rule);
  for (const KernelRule& rule : verdict.way) *message.add_way() = ToProto(rule);
  for (const KernelRule& rule : verdict.not_understood) {
    message.add_notes(
        absl::StrCat("rule ", rule.number, " of ", rule.chain,
                     " is not ours and was not looked at: ", rule.text));
  }
}

// The port to show: one where the two differ, else one that is denied.
uint16_t ShownPort(const PathQuestion& question, const PortSet& differing,
                   const PortSet& allowed) {
  if (!question.asks_every_port()) return question.port.value_or(0);
  if (!differing.empty()) return differing.ranges().front().first;
  return allowed.all() ? 1 : allowed.Complement().ranges().front().first;
}

void FillKernel(const KernelWalk& walk, const PathQuestion& question,
                const PortSet& expected, v1::ExplainedKernel& message) {
  PortSet allowed;
  if (question.asks_every_port()) {
    allowed = walk.AllowedPorts(question);
    FillPorts(allowed, *message.mutable_allowed_ports());
  } else if (walk.Follow(question, question.port.value_or(0)).allowed()) {
    allowed = PortSet::All();
  }
  const PortSet differing =
      (allowed & expected.Complement()) | (expected & allowed.Complement());
  message.set_verdict(VerdictText(allowed.all()));
  message.set_agrees(differing.empty());
  if (question.asks_every_port())
    FillPorts(differing, *message.mutable_disagreeing_ports());
  const uint16_t shown = ShownPort(question, differing, allowed);
  if (!question.is_icmp()) message.set_shown_port(shown);
  FillWay(walk.Follow(question, shown), message);
  const int before = walk.RulesBeforeOurs(question);
  if (before < 0) {
    message.add_notes(absl::StrCat("no rule of ", message.hook(),
                                   " leads into our chains, so no rule of ours "
                                   "is met"));
  } else if (before > 0) {
    message.set_foreign_rules_before(static_cast<uint32_t>(before));
    message.add_notes(absl::StrCat(
        before, before == 1 ? " rule" : " rules", " of ", message.hook(),
        " not ours, before our jump, may decide first and ",
        before == 1 ? "was" : "were",
        " not looked at; the next sync puts our jump first"));
  }
}

}  // namespace

absl::Status AddKernelPart(const Snapshot& snapshot,
                           v1::Explanation& explanation) {
  const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(snapshot);
  if (!walk.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the rules cannot be followed: ", walk.status().message()));
  }
  bool agrees = true;
  for (v1::ExplainedPath& path : *explanation.mutable_paths()) {
    ASSIGN_OR_RETURN(const PathQuestion question,
                     QuestionOf(explanation, path));
    path.clear_kernel();
    FillKernel(*walk, question, ExpectedHere(path, question),
               *path.mutable_kernel());
    agrees = agrees && path.kernel().agrees();
  }
  explanation.set_agrees(agrees);
  return absl::OkStatus();
}

}  // namespace netpol
