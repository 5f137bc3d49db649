#include "tests/deploy/service_unit.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

constexpr char kPath[] = "netpol/daemon/deploy/netpolctl.service";
constexpr absl::string_view kFlags = "$NETPOLCTL_FLAGS";
constexpr absl::string_view kExample = "NETPOLCTL_FLAGS=";

}  // namespace

absl::StatusOr<ServiceUnit> ServiceUnit::Read() {
  ServiceUnit unit;
  std::ifstream file(kPath);
  std::string section;
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find('=');
    if (line.empty()) continue;
    if (line.front() == '#') {
      unit.comments_.emplace_back(
          absl::StripAsciiWhitespace(absl::string_view(line).substr(1)));
    } else if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
    } else if (equals != std::string::npos && !section.empty() &&
               line.back() != '\\') {
      unit.settings_.push_back(
          {section, line.substr(0, equals), line.substr(equals + 1)});
    } else {
      return absl::InvalidArgumentError(absl::StrCat(kPath, ": ", line));
    }
  }
  return unit;
}

std::string ServiceUnit::Value(absl::string_view key) const {
  std::vector<std::string> values;
  for (const UnitSetting& setting : settings_) {
    if (setting.section == "Service" && setting.key == key)
      values.push_back(setting.value);
  }
  return values.size() == 1 ? values.front() : "";
}

std::vector<std::string> ServiceUnit::Words(absl::string_view key) const {
  return absl::StrSplit(Value(key), ' ', absl::SkipEmpty());
}

std::vector<std::string> ServiceUnit::Capabilities() const {
  std::vector<std::string> names;
  for (const std::string& word : Words("CapabilityBoundingSet"))
    names.emplace_back(absl::StripPrefix(word, "CAP_"));
  return names;
}

std::vector<std::string> ServiceUnit::Command(
    const std::vector<std::string>& flags) const {
  std::vector<std::string> command;
  for (const std::string& word : Words("ExecStart")) {
    if (word == kFlags) {
      command.insert(command.end(), flags.begin(), flags.end());
    } else {
      command.push_back(word);
    }
  }
  return command;
}

std::vector<std::string> ServiceUnit::ExampleFlags() const {
  for (absl::string_view comment : comments_) {
    if (absl::ConsumePrefix(&comment, kExample))
      return absl::StrSplit(comment, ' ', absl::SkipEmpty());
  }
  return {};
}

}  // namespace netpol
