#include "tests/kernel/steady_traffic/conversations.h"

#include <netinet/in.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// The value under `name` in the two lines of `protocol` in /proc/net/snmp: its
// names and its values.
absl::StatusOr<int64_t> SnmpValue(absl::string_view protocol,
                                  absl::string_view name) {
  std::ifstream file("/proc/thread-self/net/snmp");
  std::string names;
  std::string values;
  const std::string begin = absl::StrCat(protocol, ": ");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(begin, 0) != 0) continue;
    (names.empty() ? names : values) = line;
  }
  const std::vector<std::string> keys = absl::StrSplit(names, ' ');
  const std::vector<std::string> words = absl::StrSplit(values, ' ');
  for (size_t i = 0; i < keys.size() && i < words.size(); ++i) {
    int64_t value = 0;
    if (keys[i] == name && absl::SimpleAtoi(words[i], &value)) return value;
  }
  return absl::NotFoundError(
      absl::StrCat("/proc/net/snmp has no ", name, " of ", protocol));
}

}  // namespace

absl::StatusOr<bool> Conversations::Open(const Packet& packet) {
  if (packet.protocol == IPPROTO_UDP) {
    UdpFlow flow = lab_->OpenUdpFlow(packet.source, packet.destination,
                                     packet.destination_port);
    RETURN_IF_ERROR(flow.SendForward().status());
    udp_.emplace_back(packet.source.family, flow);
    return true;
  }
  if (packet.protocol != IPPROTO_TCP) return false;
  if (!servers_.emplace(packet.destination, packet.destination_port).second)
    return false;
  ASSIGN_OR_RETURN(TcpPair pair,
                   TcpPair::Open(*lab_->OwnerOf(packet.source), packet.source,
                                 *lab_->OwnerOf(packet.destination),
                                 packet.destination, packet.destination_port));
  tcp_.push_back(std::move(pair));
  return true;
}

void Conversations::Count(Family family, bool arrived) {
  ConversationTally& tally = tallies_[static_cast<int>(family)];
  ++tally.sent;
  if (!arrived) ++tally.lost;
}

absl::Status Conversations::SayAll() {
  for (TcpPair& pair : tcp_) {
    const Family family = pair.flow().source.family;
    ASSIGN_OR_RETURN(const bool forth, pair.ReachesServer());
    Count(family, forth);
    ASSIGN_OR_RETURN(const bool back, pair.ReachesClient());
    Count(family, back);
  }
  for (auto& [family, flow] : udp_) {
    ASSIGN_OR_RETURN(const ProbeOutcome back, flow.SendReply());
    Count(family, back == ProbeOutcome::kAllowed);
    ASSIGN_OR_RETURN(const ProbeOutcome forth, flow.SendForward());
    Count(family, forth == ProbeOutcome::kAllowed);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> TcpRetransmissions(const NetNs& ns) {
  absl::StatusOr<int64_t> count;
  RETURN_IF_ERROR(ns.Run([&] {
    count = SnmpValue("Tcp", "RetransSegs");
    return count.status();
  }));
  return count;
}

}  // namespace netpol
