#include "tests/cases/case_reader.h"

#include <netinet/in.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

absl::Status Fault(const YAML::Node& node, absl::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", node.Mark().line + 1, ": ", message));
}

absl::Status CheckKeys(const YAML::Node& node,
                       const std::set<std::string>& known) {
  if (!node.IsMap()) return Fault(node, "not a map");
  for (const auto& entry : node) {
    if (known.count(entry.first.Scalar()) > 0) continue;
    return Fault(entry.first,
                 absl::StrCat("unknown key '", entry.first.Scalar(), "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Text(const YAML::Node& map, const char* key) {
  const YAML::Node value = map[key];
  if (value.IsDefined() && value.IsScalar()) return value.Scalar();
  return Fault(map, absl::StrCat("no text under '", key, "'"));
}

absl::StatusOr<int> Number(const YAML::Node& map, const char* key, int limit) {
  ASSIGN_OR_RETURN(const std::string text, Text(map, key));
  int number = 0;
  if (absl::SimpleAtoi(text, &number) && number > 0 && number <= limit)
    return number;
  return Fault(map, absl::StrCat(key, " '", text, "' is not 1 to ", limit));
}

absl::StatusOr<uint8_t> Protocol(const YAML::Node& check) {
  ASSIGN_OR_RETURN(const std::string name, Text(check, "protocol"));
  if (name == "TCP") return IPPROTO_TCP;
  if (name == "UDP") return IPPROTO_UDP;
  if (name == "SCTP") return IPPROTO_SCTP;
  return Fault(check, absl::StrCat("unknown protocol '", name, "'"));
}

absl::StatusOr<CaseCheck> ParseCheck(const YAML::Node& node) {
  RETURN_IF_ERROR(
      CheckKeys(node, {"from", "to", "protocol", "port", "verdict"}));
  CaseCheck check;
  ASSIGN_OR_RETURN(check.from, Text(node, "from"));
  ASSIGN_OR_RETURN(check.to, Text(node, "to"));
  ASSIGN_OR_RETURN(check.protocol, Protocol(node));
  ASSIGN_OR_RETURN(check.port, Number(node, "port", 65535));
  ASSIGN_OR_RETURN(const std::string verdict, Text(node, "verdict"));
  check.allowed = verdict == "allow";
  if (check.allowed || verdict == "deny") return check;
  return Fault(node, absl::StrCat("unknown verdict '", verdict, "'"));
}

// An absent or empty list has no checks.
absl::StatusOr<std::vector<CaseCheck>> ParseChecks(const YAML::Node& list) {
  std::vector<CaseCheck> checks;
  if (!list.IsDefined()) return checks;
  if (!list.IsSequence()) return Fault(list, "checks are not a list");
  for (const YAML::Node& node : list) {
    ASSIGN_OR_RETURN(CaseCheck check, ParseCheck(node));
    checks.push_back(std::move(check));
  }
  return checks;
}

absl::StatusOr<v1::WatchEvent> ParseDelete(const YAML::Node& node) {
  const std::vector<std::string> parts = absl::StrSplit(node.Scalar(), '/');
  if (parts.size() == 3 && parts[0] == "Pod")
    return Delete(PodBuilder(parts[1], parts[2]).Build());
  if (parts.size() == 3 && parts[0] == "NetworkPolicy")
    return Delete(PolicyBuilder(parts[1], parts[2]).Build());
  return Fault(node, absl::StrCat("cannot delete '", node.Scalar(),
                                  "': name Pod/… or NetworkPolicy/…"));
}

absl::StatusOr<std::vector<v1::WatchEvent>> ParseDeletes(
    const YAML::Node& list) {
  std::vector<v1::WatchEvent> deletes;
  if (!list.IsDefined()) return deletes;
  if (!list.IsSequence()) return Fault(list, "deletes are not a list");
  for (const YAML::Node& node : list) {
    ASSIGN_OR_RETURN(v1::WatchEvent event, ParseDelete(node));
    deletes.push_back(std::move(event));
  }
  return deletes;
}

absl::StatusOr<CaseStep> ParseStep(const YAML::Node& node,
                                   const std::string& folder) {
  RETURN_IF_ERROR(
      CheckKeys(node, {"step", "apply", "delete", "checks", "note"}));
  CaseStep step;
  ASSIGN_OR_RETURN(step.number, Number(node, "step", 1000));
  if (node["apply"].IsDefined()) {
    ASSIGN_OR_RETURN(const std::string file, Text(node, "apply"));
    step.manifests = absl::StrCat(folder, "/", file);
  }
  ASSIGN_OR_RETURN(step.deletes, ParseDeletes(node["delete"]));
  ASSIGN_OR_RETURN(step.checks, ParseChecks(node["checks"]));
  return step;
}

absl::StatusOr<std::vector<CaseStep>> ParseSteps(const YAML::Node& root,
                                                 const std::string& folder) {
  const YAML::Node list = root["steps"];
  std::vector<CaseStep> steps;
  if (!list.IsDefined()) {
    steps.emplace_back();
    steps.back().manifests = absl::StrCat(folder, "/manifests.yaml");
    ASSIGN_OR_RETURN(steps.back().checks, ParseChecks(root["checks"]));
    return steps;
  }
  if (!list.IsSequence()) return Fault(list, "steps are not a list");
  if (root["checks"].IsDefined())
    return Fault(root, "checks both inside and outside of steps");
  for (const YAML::Node& node : list) {
    ASSIGN_OR_RETURN(CaseStep step, ParseStep(node, folder));
    steps.push_back(std::move(step));
  }
  return steps;
}

absl::StatusOr<YAML::Node> LoadYaml(const std::string& text) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const CaseCheck& check) {
  const char* protocol = check.protocol == IPPROTO_TCP   ? "TCP"
                         : check.protocol == IPPROTO_UDP ? "UDP"
                                                         : "SCTP";
  return os << protocol << " " << check.from << " -> " << check.to << " port "
            << check.port << ": " << (check.allowed ? "allow" : "deny");
}

absl::StatusOr<Case> ParseCase(const std::string& text,
                               const std::string& folder) {
  // Constant, or else looking for a key would add it.
  ASSIGN_OR_RETURN(const YAML::Node root, LoadYaml(text));
  RETURN_IF_ERROR(CheckKeys(
      root, {"case", "area", "source", "outcome", "steps", "checks", "note"}));
  Case result;
  ASSIGN_OR_RETURN(result.id, Text(root, "case"));
  ASSIGN_OR_RETURN(result.steps, ParseSteps(root, folder));
  for (const CaseStep& step : result.steps) {
    if (!step.checks.empty()) return result;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("case ", result.id, " checks nothing"));
}

absl::StatusOr<Case> ReadCase(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/expect.yaml");
  const std::string tried = absl::StrCat("reading ", path);
  std::ifstream in(path);
  if (!in.is_open())
    return absl::NotFoundError(absl::StrCat(tried, ": no such file"));
  const std::string text{std::istreambuf_iterator<char>(in),
                         std::istreambuf_iterator<char>()};
  absl::StatusOr<Case> read = ParseCase(text, folder);
  if (!read.ok()) return Annotate(read.status(), tried);
  if (read->id == std::filesystem::path(folder).filename()) return read;
  return absl::InvalidArgumentError(
      absl::StrCat(tried, ": case ", read->id, " is in the wrong folder"));
}

}  // namespace netpol
