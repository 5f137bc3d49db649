#include "tests/kernel/walk/walk_run.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"

namespace netpol {

absl::StatusOr<std::vector<WalkFailure>> WalkAlong(const WalkSetup& setup,
                                                   const v1::Walk& walk) {
  ASSIGN_OR_RETURN(std::vector<Packet> packets, PacketsOf(walk));
  ASSIGN_OR_RETURN(const std::unique_ptr<WalkNode> node,
                   WalkNode::Create(setup, packets));
  std::vector<WalkFailure> failures;
  for (const v1::WalkStep& step : walk.step()) {
    ASSIGN_OR_RETURN(absl::optional<WalkFailure> failure, node->Take(step));
    if (!failure) continue;
    failures.push_back(*std::move(failure));
    return failures;
  }
  ASSIGN_OR_RETURN(absl::optional<WalkFailure> ruleset, node->CheckRuleset());
  ASSIGN_OR_RETURN(absl::optional<WalkFailure> text, node->CheckSaveText());
  ASSIGN_OR_RETURN(absl::optional<WalkFailure> verdict,
                   node->CheckVerdicts(packets));
  for (absl::optional<WalkFailure>* failure : {&verdict, &ruleset, &text}) {
    if (*failure) failures.push_back(**std::move(failure));
  }
  return failures;
}

v1::WalkProbe ProbeOf(const Packet& packet) {
  v1::WalkProbe probe;
  probe.set_source(packet.source.ToString());
  probe.set_destination(packet.destination.ToString());
  probe.set_protocol(packet.protocol);
  probe.set_port(packet.destination_port);
  return probe;
}

absl::StatusOr<std::vector<Packet>> PacketsOf(const v1::Walk& walk) {
  std::vector<Packet> packets;
  for (const v1::WalkProbe& probe : walk.probe()) {
    Packet packet;
    ASSIGN_OR_RETURN(packet.source, IpAddress::Parse(probe.source()));
    ASSIGN_OR_RETURN(packet.destination, IpAddress::Parse(probe.destination()));
    packet.protocol = static_cast<uint8_t>(probe.protocol());
    packet.destination_port = static_cast<uint16_t>(probe.port());
    packets.push_back(packet);
  }
  return packets;
}

absl::Status WriteWalk(const std::string& path, const v1::Walk& walk) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(walk, &text);
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? absl::OkStatus()
              : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

absl::StatusOr<v1::Walk> ReadWalk(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::stringstream text;
  text << file.rdbuf();
  v1::Walk walk;
  if (!google::protobuf::TextFormat::ParseFromString(text.str(), &walk)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a netpol.v1.Walk in text form"));
  }
  return walk;
}

std::string OutputPath(absl::string_view name) {
  const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  return absl::StrCat(folder != nullptr ? folder : testing::TempDir(), "/",
                      name);
}

}  // namespace netpol
