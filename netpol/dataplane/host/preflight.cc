#include "netpol/dataplane/host/preflight.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/host/bridge_netfilter.h"
#include "netpol/dataplane/host/capabilities.h"
#include "netpol/dataplane/host/nft_compat_probe.h"
#include "netpol/dataplane/host/xtables_probe.h"
#include "netpol/dataplane/ipset/ipset_channel.h"
#include "netpol/dataplane/ipset/ipset_error.h"
#include "netpol/dataplane/ipset/ipset_features.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/rules/set.h"

namespace netpol {
namespace {

constexpr char kConntrackLimit[] = "/proc/sys/net/netfilter/nf_conntrack_max";
constexpr absl::Duration kProgramTimeout = absl::Seconds(5);
constexpr absl::string_view kRunAsRoot =
    "run as root, or with CAP_NET_ADMIN and CAP_NET_RAW";

// `found` is said when `status` is OK, `remedy` when it is not.
PreflightFinding FindingOf(std::string name, const absl::Status& status,
                           absl::string_view found, absl::string_view remedy) {
  PreflightFinding finding;
  finding.name = std::move(name);
  finding.ok = status.ok();
  if (status.ok()) {
    finding.detail = std::string(found);
  } else if (absl::IsPermissionDenied(status)) {
    finding.detail = absl::StrCat("could not be checked: ", status.message());
    finding.remedy = std::string(kRunAsRoot);
  } else {
    finding.detail = std::string(status.message());
    finding.remedy = std::string(remedy);
  }
  return finding;
}

void CheckCapabilities(std::vector<PreflightFinding>& findings) {
  const absl::StatusOr<std::vector<CapabilityState>> needed =
      NeededCapabilities();
  if (!needed.ok()) {
    findings.push_back(
        FindingOf("capabilities", needed.status(), "", kRunAsRoot));
    return;
  }
  for (const CapabilityState& capability : *needed) {
    const absl::Status status =
        capability.effective
            ? absl::OkStatus()
            : absl::FailedPreconditionError(absl::StrCat(
                  "the process does not have it, ", capability.use));
    findings.push_back(FindingOf(std::string(capability.name), status,
                                 "effective", kRunAsRoot));
  }
}

std::string LockPath(const PreflightOptions& options) {
  if (!options.lock_path.empty()) return options.lock_path;
  const char* path = std::getenv("XTABLES_LOCKFILE");
  return path != nullptr && *path != '\0' ? path : "/run/xtables.lock";
}

// A lock file that is missing is made by whoever needs it first, so then its
// directory is what counts.
PreflightFinding CheckLock(const std::string& path) {
  absl::Status status;
  std::string found = absl::StrCat(path, " can be opened for writing");
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) {
    close(fd);
  } else if (errno == ENOENT) {
    const size_t slash = path.rfind('/');
    const std::string directory =
        slash == std::string::npos ? "." : path.substr(0, slash + 1);
    found = absl::StrCat(path, " is not there yet and can be created");
    if (access(directory.c_str(), W_OK | X_OK) != 0) {
      status = absl::FailedPreconditionError(
          absl::StrCat(path, " cannot be created: ", strerror(errno)));
    }
  } else {
    status = absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be opened for writing: ", strerror(errno)));
  }
  return FindingOf("xtables lock", status, found,
                   "run as root; in a container mount the host's lock file at "
                   "this path, or set XTABLES_LOCKFILE");
}

PreflightFinding CheckConntrack() {
  std::ifstream file(kConntrackLimit);
  std::string limit;
  absl::Status status;
  if (!(file >> limit)) {
    status = absl::UnimplementedError(
        absl::StrCat(kConntrackLimit, " cannot be read"));
  }
  return FindingOf("conntrack", status,
                   absl::StrCat("at most ", limit, " connections"),
                   "load kernel module nf_conntrack");
}

void CheckSets(const std::vector<Family>& families,
               std::vector<PreflightFinding>& findings) {
  absl::StatusOr<std::unique_ptr<IpsetChannel>> channel = IpsetChannel::Open();
  absl::Status subsystem = channel.status();
  if (channel.ok()) subsystem = CheckIpsetSubsystem(**channel);
  findings.push_back(FindingOf("ipset", subsystem, "speaks our protocol",
                               "load kernel module ip_set"));
  for (Family family : families) {
    for (SetType type :
         {SetType::kHashIp, SetType::kHashNet, SetType::kHashIpPort}) {
      findings.push_back(FindingOf(
          absl::StrCat(FamilyName(family), " set type ", SetTypeName(type)),
          subsystem.ok() ? CheckSetType(**channel, type, family) : subsystem,
          "present", absl::StrCat("load kernel module ", SetTypeModule(type))));
    }
  }
}

// Everything that a rule of ours can hold, at the revisions that we write.
std::vector<KernelExtension> NeededExtensions(Family family) {
  const bool ipv4 = family == Family::kIPv4;
  constexpr ExtensionKind kMatch = ExtensionKind::kMatch;
  constexpr ExtensionKind kTarget = ExtensionKind::kTarget;
  return {
      {kMatch, "set", 4, "xt_set"},
      {kMatch, "comment", 0, "xt_comment"},
      {kMatch, "conntrack", 3, "xt_conntrack"},
      {kMatch, "addrtype", 1, "xt_addrtype"},
      {kMatch, "mark", 1, "xt_mark"},
      {kMatch, "limit", 0, "xt_limit"},
      {kMatch, "multiport", 1, "xt_multiport"},
      {kMatch, "tcp", 0, "xt_tcpudp"},
      {kMatch, "udp", 0, "xt_tcpudp"},
      {kMatch, ipv4 ? "icmp" : "icmp6", 0, ipv4 ? "ip_tables" : "ip6_tables"},
      {kTarget, "MARK", 2, "xt_mark"},
      {kTarget, "REJECT", 0, ipv4 ? "ipt_REJECT" : "ip6t_REJECT"},
      {kTarget, "NFLOG", 0, "xt_NFLOG"},
  };
}

void CheckExtensions(Flavour flavour, Family family,
                     std::vector<PreflightFinding>& findings) {
  for (const KernelExtension& extension : NeededExtensions(family)) {
    findings.push_back(FindingOf(
        absl::StrCat(
            FamilyName(family),
            extension.kind == ExtensionKind::kMatch ? " match " : " target ",
            extension.name),
        flavour == Flavour::kLegacy ? CheckExtension(family, extension)
                                    : CheckNftExtension(family, extension),
        absl::StrCat("present, revision ", extension.revision),
        absl::StrCat("load kernel module ", extension.module,
                     ", or use a kernel that has this revision")));
  }
}

PreflightFinding CheckLegacyTable(Family family) {
  return FindingOf(absl::StrCat(FamilyName(family), " table filter"),
                   CheckFilterTable(family), "readable",
                   absl::StrCat("load kernel module ",
                                family == Family::kIPv4 ? "iptable_filter"
                                                        : "ip6table_filter"));
}

PreflightFinding CheckNftTables(Family family) {
  const absl::StatusOr<std::unique_ptr<NftChannel>> channel =
      NftChannel::Open();
  return FindingOf(
      absl::StrCat(FamilyName(family), " nf_tables"),
      channel.ok() ? (*channel)->Tables(family).status() : channel.status(),
      "answers", "load kernel module nf_tables");
}

// Its path and version. Not only whether there is such a file: in an image it
// can be there without its libraries.
absl::StatusOr<std::string> FindRestoreProgram(absl::string_view name) {
  ASSIGN_OR_RETURN(const std::string program, FindProgram(name));
  ASSIGN_OR_RETURN(
      const std::string version,
      OutputOf({program, "--version"}, "", {.wall = kProgramTimeout}));
  return absl::StrCat(program, ", ", absl::StripAsciiWhitespace(version));
}

PreflightFinding CheckRestoreProgram(Family family) {
  const absl::string_view name = family == Family::kIPv4
                                     ? "iptables-nft-restore"
                                     : "ip6tables-nft-restore";
  const absl::StatusOr<std::string> program = FindRestoreProgram(name);
  return FindingOf(absl::StrCat(FamilyName(family), " ", name),
                   program.status(), program.ok() ? *program : "",
                   "install iptables 1.8 or newer, whose packages have it");
}

void CheckTables(Flavour flavour, Family family,
                 std::vector<PreflightFinding>& findings) {
  if (flavour == Flavour::kLegacy) {
    findings.push_back(CheckLegacyTable(family));
  } else {
    findings.push_back(CheckNftTables(family));
    findings.push_back(CheckRestoreProgram(family));
  }
  CheckExtensions(flavour, family, findings);
}

PreflightFinding CheckBridges(Family family) {
  const absl::StatusOr<std::string> bridged = CheckBridgeNetfilter(family);
  return FindingOf(absl::StrCat(FamilyName(family), " bridge netfilter"),
                   bridged.status(), bridged.ok() ? *bridged : "",
                   absl::StrCat("load kernel module br_netfilter and set ",
                                BridgeNetfilterSetting(family), " to 1"));
}

}  // namespace

std::vector<PreflightFinding> RunPreflight(const PreflightOptions& options) {
  std::vector<PreflightFinding> findings;
  CheckCapabilities(findings);
  if (options.flavour == Flavour::kLegacy)
    findings.push_back(CheckLock(LockPath(options)));
  findings.push_back(CheckConntrack());
  CheckSets(options.families, findings);
  for (Family family : options.families)
    CheckTables(options.flavour, family, findings);
  return findings;
}

std::vector<PreflightFinding> FindBlindSpots(const PreflightOptions& options) {
  std::vector<PreflightFinding> findings;
  for (Family family : options.families)
    findings.push_back(CheckBridges(family));
  return findings;
}

}  // namespace netpol
