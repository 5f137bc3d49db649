#include "tests/kernel/paths/service_proxy.h"

#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

// Everything but the entries. A node or host port is any of the node's own
// addresses, seen last.
constexpr absl::string_view kHead = R"(*nat
:SERVICES - [0:0]
:PORTS - [0:0]
:MASQ - [0:0]
-A PREROUTING -j SERVICES
-A OUTPUT -j SERVICES
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A MASQ -j MARK --set-xmark 0x4000/0x4000
)";
constexpr absl::string_view kTail =
    "-A SERVICES -m addrtype --dst-type LOCAL -j PORTS\nCOMMIT\n";

std::string Protocol(const ServiceEntry& entry) {
  return entry.protocol == IPPROTO_TCP ? "tcp" : "udp";
}

absl::string_view PodRange(Family family) {
  return family == Family::kIPv4 ? "10.42.0.0/16" : "fd00:42::/32";
}

std::string Target(const ServiceEntry& entry) {
  const std::string address = entry.endpoint.ToString();
  return entry.endpoint.family == Family::kIPv4
             ? absl::StrCat(address, ":", entry.target)
             : absl::StrCat("[", address, "]:", entry.target);
}

// Marks what `who` matches, then translates all that `match` matches.
std::string Translate(absl::string_view match, const ServiceEntry& entry,
                      const std::vector<std::string>& masqueraded) {
  std::string rules;
  for (const std::string& who : masqueraded) {
    absl::StrAppend(&rules, match, who, " -j MASQ\n");
  }
  absl::StrAppend(&rules, match, " -j DNAT --to-destination ", Target(entry),
                  "\n");
  return rules;
}

}  // namespace

absl::Status ServiceProxy::AddService(const ServiceEntry& entry) {
  const Family family = entry.address.family;
  const std::string match = absl::StrCat(
      "-A SERVICES -p ", Protocol(entry), " -d ", entry.address.ToString(),
      " -m ", Protocol(entry), " --dport ", entry.port);
  tables_[static_cast<int>(family)].services +=
      Translate(match, entry,
                {absl::StrCat(" ! -s ", PodRange(family)),
                 absl::StrCat(" -s ", entry.endpoint.ToString())});
  return Write(family);
}

absl::Status ServiceProxy::AddNodePort(const ServiceEntry& entry) {
  const std::string match =
      absl::StrCat("-A PORTS -p ", Protocol(entry), " -m ", Protocol(entry),
                   " --dport ", entry.port);
  tables_[static_cast<int>(entry.endpoint.family)].ports +=
      Translate(match, entry, {""});
  return Write(entry.endpoint.family);
}

absl::Status ServiceProxy::AddHostPort(const ServiceEntry& entry) {
  const Family family = entry.endpoint.family;
  const std::string match =
      absl::StrCat("-A PORTS -p ", Protocol(entry), " -m ", Protocol(entry),
                   " --dport ", entry.port);
  tables_[static_cast<int>(family)].ports +=
      Translate(match, entry, {absl::StrCat(" -s ", PodRange(family))});
  return Write(family);
}

absl::Status ServiceProxy::Write(Family family) const {
  const Table& table = tables_[static_cast<int>(family)];
  ASSIGN_OR_RETURN(
      const ProgramResult result,
      lab_->ExecOnNode(
          {.argv = {LabTool(family, "iptables-restore")},
           .input = absl::StrCat(kHead, table.services, table.ports, kTail)}));
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("writing table nat of the node: ", result.err));
}

}  // namespace netpol
