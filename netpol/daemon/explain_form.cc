#include "netpol/daemon/explain_form.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/daemon/explain_answer.h"
#include "netpol/explain/port_set.h"

namespace netpol {
namespace {

bool IsAllowed(const std::string& verdict) {
  return verdict == VerdictText(true);
}

using Ports = google::protobuf::RepeatedPtrField<v1::ExplainedPorts>;

// "denied", or of many ports "allowed on TCP 80, denied elsewhere".
std::string VerdictOn(const std::string& verdict, const Ports& messages,
                      const std::string& protocol) {
  const PortSet ports = PortsIn(messages);
  if (ports.empty() || ports.all()) return verdict;
  return absl::StrCat("allowed on ", protocol, " ", ports.ToString(),
                      ", denied elsewhere");
}

// An end that is no pod.
std::string EndText(const std::string& address, bool is_node) {
  return is_node ? absl::StrCat("this node (", address, ")") : address;
}

std::string PolicyNames(const v1::ExplainedSide& side) {
  std::vector<std::string> names;
  for (const v1::ExplainedPolicy& policy : side.policies())
    names.push_back(policy.name());
  return absl::StrJoin(names, ", ");
}

// "web/allow ingress[0]" of the first rule that allows all that was asked for.
std::string AllowingRule(const v1::ExplainedSide& side,
                         absl::string_view direction) {
  for (const v1::ExplainedPolicy& policy : side.policies()) {
    for (const v1::ExplainedRule& rule : policy.rules()) {
      const PortSet opened = PortsIn(rule.opened_ports());
      if (!rule.allows() || !(opened.empty() || opened.all())) continue;
      return absl::StrCat(policy.name(), " ", direction, "[", rule.index(),
                          "], peer ", rule.peer(), ", port ", rule.port());
    }
  }
  return "several rules together";
}

std::string CauseText(const v1::ExplainedSide& side,
                      absl::string_view direction) {
  switch (side.cause()) {
    case v1::ExplainedSide::NOT_A_POD:
      return "it is no pod that policies see";
    case v1::ExplainedSide::FAMILY_NOT_ENFORCED:
      return "this family is not enforced";
    case v1::ExplainedSide::ITSELF:
      return "a pod always reaches itself";
    case v1::ExplainedSide::OWN_NODE:
      return "a node always reaches its own pods";
    case v1::ExplainedSide::SERVICE_ADDRESS:
      return "service addresses and node ports of this node are not judged";
    case v1::ExplainedSide::ICMP_PASSES:
      return "echo requests pass with --icmp=kube-router";
    case v1::ExplainedSide::NOT_ISOLATED:
      return absl::StrCat("no policy isolates it for ", direction);
    case v1::ExplainedSide::ALLOWED_BY_RULE:
      return absl::StrCat("by ", AllowingRule(side, direction));
    case v1::ExplainedSide::UNKNOWN_POD:
      return "in this node's pod CIDRs, and no known pod's, so "
             "--netpol-default-deny refuses it";
    case v1::ExplainedSide::NO_RULE_MATCHES:
      break;
  }
  return absl::StrCat("isolated by ", PolicyNames(side),
                      PortsIn(side.allowed_ports()).empty()
                          ? ", no rule of which matches"
                          : ", whose rules allow no more");
}

std::string RuleText(const v1::ExplainedRule& rule) {
  const absl::string_view peer =
      rule.peer_matches() ? "peer matches" : "peer does not match";
  const absl::string_view port =
      rule.port_matches() ? "port matches" : "port does not match";
  return absl::StrCat(peer, " (", rule.peer(), "), ", port, " (", rule.port(),
                      ")");
}

void AppendRules(const v1::ExplainedSide& side, absl::string_view direction,
                 std::string& text) {
  for (const v1::ExplainedPolicy& policy : side.policies()) {
    if (policy.rules().empty()) {
      absl::StrAppend(&text, "      ", policy.name(), " has no ", direction,
                      " rules\n");
    }
    for (const v1::ExplainedRule& rule : policy.rules()) {
      absl::StrAppend(&text, "      ", policy.name(), " ", direction, "[",
                      rule.index(), "]: ", RuleText(rule), "\n");
    }
  }
}

void AppendSide(const v1::ExplainedSide& side, absl::string_view direction,
                const std::string& end, const std::string& protocol,
                std::string& text) {
  absl::StrAppend(&text, "    ", direction, " of ",
                  side.has_pod() ? side.pod() : end);
  if (side.has_pod()) {
    absl::StrAppend(&text,
                    side.enforced_here() ? " (this node)" : " (another node)");
  }
  absl::StrAppend(&text, ": ",
                  VerdictOn(side.verdict(), side.allowed_ports(), protocol),
                  "; ", CauseText(side, direction), "\n");
  if (side.cause() == v1::ExplainedSide::NO_RULE_MATCHES)
    AppendRules(side, direction, text);
  for (const v1::ExplainedPolicy& policy : side.policies()) {
    for (const std::string& problem : policy.problems()) {
      absl::StrAppend(&text, "      note: ", policy.name(),
                      " is not understood in part: ", problem, "\n");
    }
  }
  for (const std::string& note : side.notes())
    absl::StrAppend(&text, "      note: ", note, "\n");
}

std::string PlaceText(const v1::KernelRule& rule) {
  std::string text = absl::StrCat(rule.chain(), " rule ", rule.number());
  if (!rule.comment().empty())
    absl::StrAppend(&text, " \"", rule.comment(), "\"");
  return text;
}

void AppendDisagreement(const v1::ExplainedKernel& kernel, std::string& text) {
  const PortSet ports = PortsIn(kernel.disagreeing_ports());
  absl::StrAppend(&text,
                  "    DISAGREES: the kernel does not do what the policies say",
                  ports.empty() || ports.all()
                      ? ""
                      : absl::StrCat(" on ports ", ports.ToString()),
                  "\n      its way:\n");
  for (const v1::KernelRule& rule : kernel.way()) {
    absl::StrAppend(&text, "      ", rule.chain(), " rule ", rule.number(),
                    ": ", rule.rule(), "\n");
  }
}

void AppendKernel(const v1::ExplainedKernel& kernel, bool offline,
                  bool every_port, std::string& text) {
  absl::StrAppend(&text, "    kernel", offline ? " (as it would be)" : "", ", ",
                  kernel.hook());
  if (every_port && kernel.has_shown_port())
    absl::StrAppend(&text, ", port ", kernel.shown_port());
  absl::StrAppend(&text, ": ", kernel.outcome());
  if (kernel.has_decided_by())
    absl::StrAppend(&text, " by ", PlaceText(kernel.decided_by()));
  const bool others_first = kernel.foreign_rules_before() > 0;
  absl::StrAppend(&text,
                  !kernel.agrees() ? ""
                  : others_first   ? " (agrees, but rules of others come first)"
                                   : " (agrees)",
                  "\n");
  for (const v1::KernelRule& rule : kernel.allowed_by()) {
    absl::StrAppend(&text, "      allowed by ", PlaceText(rule), ": ",
                    rule.rule(), "\n");
  }
  if (kernel.has_decided_by() && !IsAllowed(kernel.verdict()) &&
      kernel.agrees()) {
    absl::StrAppend(&text, "      ", kernel.decided_by().rule(), "\n");
  }
  if (!kernel.agrees()) AppendDisagreement(kernel, text);
  for (const std::string& note : kernel.notes())
    absl::StrAppend(&text, "      note: ", note, "\n");
}

}  // namespace

std::string TextOf(const v1::Explanation& explanation) {
  const bool every_port =
      !explanation.has_port() && explanation.protocol() != "ICMP";
  std::string text = absl::StrCat(
      explanation.verdict(), ": ", explanation.from(), " → ", explanation.to(),
      " ", explanation.protocol(),
      explanation.has_port() ? absl::StrCat(" ", explanation.port())
      : every_port           ? ", every port"
                             : " echo request",
      explanation.has_agrees() && !explanation.agrees()
          ? " (the kernel DISAGREES)"
          : "",
      "\n");
  for (const v1::ExplainedPath& path : explanation.paths()) {
    absl::StrAppend(
        &text, "  ", path.family(), " ", path.source(), " → ",
        path.destination(), ": ",
        VerdictOn(path.verdict(), path.allowed_ports(), explanation.protocol()),
        "\n");
    AppendSide(path.egress(), "egress",
               EndText(path.source(), path.source_is_node()),
               explanation.protocol(), text);
    AppendSide(path.ingress(), "ingress",
               EndText(path.destination(), path.destination_is_node()),
               explanation.protocol(), text);
    if (path.has_kernel()) {
      AppendKernel(path.kernel(), explanation.offline(), every_port, text);
    }
  }
  for (const std::string& note : explanation.notes())
    absl::StrAppend(&text, "  note: ", note, "\n");
  for (const v1::Problem& problem : explanation.problems())
    absl::StrAppend(&text, "  not counted: ", problem.text(), "\n");
  return text;
}

}  // namespace netpol
