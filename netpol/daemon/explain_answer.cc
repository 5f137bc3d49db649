#include "netpol/daemon/explain_answer.h"

#include <netinet/in.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/explain/endpoint.h"
#include "netpol/explain/path_question.h"
#include "netpol/explain/policy_verdict.h"

namespace netpol {
namespace {

v1::ExplainedSide::Cause CauseOf(SideCause cause) {
  switch (cause) {
    case SideCause::kNotAPod:
      return v1::ExplainedSide::NOT_A_POD;
    case SideCause::kFamilyNotEnforced:
      return v1::ExplainedSide::FAMILY_NOT_ENFORCED;
    case SideCause::kItself:
      return v1::ExplainedSide::ITSELF;
    case SideCause::kOwnNode:
      return v1::ExplainedSide::OWN_NODE;
    case SideCause::kServiceAddress:
      return v1::ExplainedSide::SERVICE_ADDRESS;
    case SideCause::kIcmpPasses:
      return v1::ExplainedSide::ICMP_PASSES;
    case SideCause::kNotIsolated:
      return v1::ExplainedSide::NOT_ISOLATED;
    case SideCause::kAllowedByRule:
      return v1::ExplainedSide::ALLOWED_BY_RULE;
    case SideCause::kUnknownPod:
      return v1::ExplainedSide::UNKNOWN_POD;
    case SideCause::kNoRuleMatches:
      break;
  }
  return v1::ExplainedSide::NO_RULE_MATCHES;
}

void FillPolicy(const PolicyFinding& finding, const PathQuestion& question,
                v1::ExplainedPolicy& message) {
  message.set_name(finding.policy.ToString());
  for (const std::string& problem : finding.problems)
    message.add_problems(problem);
  for (const RuleFinding& rule : finding.rules) {
    v1::ExplainedRule& filled = *message.add_rules();
    const bool port_matches = question.port
                                  ? rule.ports.Contains(*question.port)
                                  : !rule.ports.empty();
    filled.set_index(static_cast<uint32_t>(rule.index));
    filled.set_allows(rule.peer_matches && port_matches);
    filled.set_peer_matches(rule.peer_matches);
    filled.set_port_matches(port_matches);
    filled.set_peer(rule.peer);
    filled.set_port(rule.port);
    if (question.asks_every_port())
      FillPorts(rule.ports, *filled.mutable_opened_ports());
  }
}

void FillSide(const SideVerdict& side, const PathQuestion& question,
              v1::ExplainedSide& message) {
  message.set_verdict(VerdictText(Answers(side.allowed, question)));
  message.set_cause(CauseOf(side.cause));
  if (side.pod) message.set_pod(side.pod->ToString());
  message.set_enforced_here(side.enforced_here);
  if (question.asks_every_port())
    FillPorts(side.allowed, *message.mutable_allowed_ports());
  for (const PolicyFinding& finding : side.policies)
    FillPolicy(finding, question, *message.add_policies());
  for (const std::string& note : side.notes) message.add_notes(note);
}

// False if it is denied.
bool FillPath(const ClusterState& state, const LayoutOptions& layout,
              const PathQuestion& question, v1::ExplainedPath& message) {
  const PathVerdict verdict = JudgePath(state, layout, question);
  const bool allowed = Answers(verdict.allowed(), question);
  message.set_family(std::string(FamilyName(question.source.family)));
  message.set_source(question.source.ToString());
  message.set_destination(question.destination.ToString());
  message.set_source_is_node(question.source_is_node);
  message.set_destination_is_node(question.destination_is_node);
  message.set_verdict(VerdictText(allowed));
  if (question.asks_every_port())
    FillPorts(verdict.allowed(), *message.mutable_allowed_ports());
  FillSide(verdict.egress, question, *message.mutable_egress());
  FillSide(verdict.ingress, question, *message.mutable_ingress());
  return allowed;
}

// The families to explain: those that are enforced, if any is.
std::vector<Family> Explained(const std::vector<Family>& common,
                              const LayoutOptions& layout,
                              v1::Explanation& explanation) {
  std::vector<Family> enforced;
  for (Family family : common) {
    if (std::find(layout.families.begin(), layout.families.end(), family) !=
        layout.families.end()) {
      enforced.push_back(family);
      continue;
    }
    explanation.add_notes(
        absl::StrCat(FamilyName(family), " is not enforced on node ",
                     explanation.node(), ": there everything is allowed"));
  }
  return enforced.empty() ? common : enforced;
}

void TellServiceAddress(const ClusterState& state, const LayoutOptions& layout,
                        const PathQuestion& question,
                        v1::Explanation& explanation) {
  if (question.destination_is_node ||
      !InServiceRange(layout, question.destination) ||
      state.OwnerOf(question.destination) != nullptr) {
    return;
  }
  explanation.add_notes(absl::StrCat(
      question.destination.ToString(),
      " is in a range of service addresses: a service proxy translates it "
      "before the rules see the packet, so ask about the pods behind it"));
}

// Both ends have an address of `family`.
PathQuestion QuestionFor(const v1::ExplainRequest& request,
                         const Endpoint& from, const Endpoint& to,
                         Family family) {
  PathQuestion question;
  question.source = *from.addresses[static_cast<int>(family)];
  question.destination = *to.addresses[static_cast<int>(family)];
  question.protocol = ProtocolNumber(request.protocol(), family);
  if (request.has_port()) question.port = static_cast<uint16_t>(request.port());
  question.source_is_node = from.is_node;
  question.destination_is_node = to.is_node;
  return question;
}

// Also at an address that is likely the node's.
absl::StatusOr<Endpoint> FindWith(const ExplainContext& context,
                                  const std::string& text,
                                  const ClusterState& state) {
  ASSIGN_OR_RETURN(Endpoint end,
                   FindEndpoint(text, state, context.node_addresses));
  const std::vector<IpAddress>& assumed = context.assumed_addresses;
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (end.is_node || !address.ok() ||
      std::find(assumed.begin(), assumed.end(), *address) == assumed.end()) {
    return end;
  }
  end.is_node = true;
  end.notes.push_back(absl::StrCat(
      text, " is taken for an address of node ", context.node_name,
      ", whose tunnel and bridge have the first ones of its pod CIDR"));
  return end;
}

}  // namespace

uint8_t ProtocolNumber(absl::string_view name, Family family) {
  const std::string upper = absl::AsciiStrToUpper(name);
  if (upper == "TCP") return IPPROTO_TCP;
  if (upper == "UDP") return IPPROTO_UDP;
  if (upper == "SCTP") return IPPROTO_SCTP;
  if (upper != "ICMP") return 0;
  if (family == Family::kIPv4) return IPPROTO_ICMP;
  return IPPROTO_ICMPV6;
}

const char* VerdictText(bool allowed) { return allowed ? "allowed" : "denied"; }

void FillPorts(
    const PortSet& ports,
    google::protobuf::RepeatedPtrField<v1::ExplainedPorts>& messages) {
  for (const PortRange& range : ports.ranges()) {
    v1::ExplainedPorts& message = *messages.Add();
    message.set_first(range.first);
    message.set_last(range.last);
  }
}

PortSet PortsIn(
    const google::protobuf::RepeatedPtrField<v1::ExplainedPorts>& messages) {
  std::vector<PortRange> ranges;
  for (const v1::ExplainedPorts& message : messages) {
    ranges.push_back({static_cast<uint16_t>(message.first()),
                      static_cast<uint16_t>(message.last())});
  }
  return PortSet(ranges);
}

absl::Status CheckRequest(const v1::ExplainRequest& request) {
  RETURN_IF_ERROR(CheckEndpoint(request.from()));
  RETURN_IF_ERROR(CheckEndpoint(request.to()));
  const uint8_t protocol = ProtocolNumber(request.protocol(), Family::kIPv4);
  if (protocol == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--protocol \"", request.protocol(),
                     "\": must be TCP, UDP, SCTP or ICMP"));
  }
  if (!request.has_port()) return absl::OkStatus();
  if (protocol == IPPROTO_ICMP) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--port \"", request.port(), "\": ICMP has no ports; leave it out"));
  }
  if (request.port() < 1 || request.port() > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--port \"", request.port(), "\": not between 1 and 65535"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Explanation> ExplainByPolicies(
    const v1::ExplainRequest& request, const ClusterState& state,
    const ExplainContext& context) {
  RETURN_IF_ERROR(CheckRequest(request));
  ASSIGN_OR_RETURN(const Endpoint from,
                   FindWith(context, request.from(), state));
  ASSIGN_OR_RETURN(const Endpoint to, FindWith(context, request.to(), state));
  ASSIGN_OR_RETURN(const std::vector<Family> common, CommonFamilies(from, to));
  v1::Explanation explanation;
  explanation.set_from(request.from());
  explanation.set_to(request.to());
  explanation.set_protocol(absl::AsciiStrToUpper(request.protocol()));
  if (request.has_port()) explanation.set_port(request.port());
  explanation.set_node(context.node_name);
  for (const Endpoint* end : {&from, &to}) {
    for (const std::string& note : end->notes) explanation.add_notes(note);
  }
  int allowed = 0;
  for (Family family : Explained(common, context.layout, explanation)) {
    const PathQuestion question = QuestionFor(request, from, to, family);
    TellServiceAddress(state, context.layout, question, explanation);
    allowed +=
        FillPath(state, context.layout, question, *explanation.add_paths());
  }
  if (allowed > 0 && allowed < explanation.paths_size())
    explanation.add_notes("the two families are judged differently");
  explanation.set_verdict(VerdictText(allowed == explanation.paths_size()));
  return explanation;
}

}  // namespace netpol
