#include "netpol/dataplane/host/flavour_traces.h"

#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/program.h"
#include "netpol/dataplane/host/nft_compat_probe.h"
#include "netpol/dataplane/host/xtables_probe.h"
#include "netpol/dataplane/legacy/iptc_handle.h"
#include "netpol/dataplane/legacy/table_presence.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

constexpr const char* kTables[] = {"filter", "nat", "mangle"};

constexpr absl::string_view kHintChains[] = {"KUBE-IPTABLES-HINT",
                                             "KUBE-KUBELET-CANARY"};
// kubelet and kube-proxy, CNI's port mappings, and network plugins.
constexpr absl::string_view kComponentPrefixes[] = {
    "KUBE-", "CNI-", "FLANNEL-", "cali-", "CILIUM_", "WEAVE-", "ANTREA-"};

void RecordChain(const std::string& chain, FlavourTraces& traces) {
  if (ChainName::IsOurs(chain)) {
    ++traces.our_chains;
    return;
  }
  for (absl::string_view hint : kHintChains) {
    if (chain == hint) traces.hint_chains.push_back(chain);
  }
  for (absl::string_view prefix : kComponentPrefixes) {
    if (absl::StartsWith(chain, prefix))
      traces.component_chains.push_back(chain);
  }
}

void RecordRule(absl::string_view chain, absl::string_view target,
                FlavourTraces& traces) {
  if (!ChainName::IsOurs(chain) && !ChainName::IsOurs(target)) ++traces.rules;
}

// ip_tables answers questions, or at least lists its tables; it makes none for
// either.
bool HasIpTables(Family family) {
  const KernelExtension always_there = {ExtensionKind::kTarget, "ERROR", 0,
                                        "ip_tables"};
  return CheckExtension(family, always_there).ok() ||
         access(family == Family::kIPv4
                    ? "/proc/thread-self/net/ip_tables_names"
                    : "/proc/thread-self/net/ip6_tables_names",
                F_OK) == 0;
}

void RecordLegacyTable(Family family, const char* table,
                       FlavourTraces& traces) {
  if (!HasLegacyTable(family, table)) return;
  const absl::StatusOr<IptcHandle> handle = IptcHandle::Open(family, table);
  if (!handle.ok()) return;
  for (const std::string& chain : handle->Chains()) {
    RecordChain(chain, traces);
    for (const EntryView& rule : handle->Rules(chain))
      RecordRule(chain, rule.target, traces);
  }
}

void RecordNftTable(NftChannel& channel, Family family, const char* table,
                    FlavourTraces& traces) {
  const absl::StatusOr<std::vector<NftChain>> chains =
      channel.Chains(family, table);
  if (!chains.ok() || chains->empty()) return;
  for (const NftChain& chain : *chains) RecordChain(chain.name, traces);
  const absl::StatusOr<std::vector<NftRule>> rules =
      channel.Rules(family, table, "");
  if (!rules.ok()) return;
  for (const NftRule& rule : *rules)
    RecordRule(rule.chain, rule.target, traces);
}

// OK if the kernel takes rules of iptables into nf_tables, of one family at
// least.
absl::Status CheckCompat(const std::vector<Family>& families) {
  absl::Status status;
  for (Family family : families) {
    status = CheckNftExtension(
        family, {ExtensionKind::kMatch, "comment", 0, "xt_comment"});
    if (status.ok()) break;
  }
  return status;
}

absl::Status CheckPrograms(const std::vector<Family>& families) {
  for (Family family : families) {
    const absl::StatusOr<std::string> program =
        FindProgram(family == Family::kIPv4 ? "iptables-nft-restore"
                                            : "ip6tables-nft-restore");
    if (!program.ok()) return program.status();
  }
  return absl::OkStatus();
}

}  // namespace

FlavourTraces ReadLegacyTraces(const std::vector<Family>& families) {
  FlavourTraces traces;
  traces.programs = true;
  for (Family family : families) {
    if (!HasIpTables(family)) continue;
    traces.kernel = true;
    for (const char* table : kTables) RecordLegacyTable(family, table, traces);
  }
  if (!traces.kernel) {
    traces.obstacle =
        "the kernel has no ip_tables, or its module is not loaded";
  }
  return traces;
}

FlavourTraces ReadNftTraces(const std::vector<Family>& families) {
  FlavourTraces traces;
  const absl::StatusOr<std::unique_ptr<NftChannel>> channel =
      NftChannel::Open();
  absl::Status kernel = channel.status();
  if (channel.ok()) {
    for (Family family : families) {
      for (const char* table : kTables)
        RecordNftTable(**channel, family, table, traces);
    }
    kernel = CheckCompat(families);
  }
  const absl::Status programs = CheckPrograms(families);
  traces.kernel = kernel.ok();
  traces.programs = programs.ok();
  if (!kernel.ok()) {
    traces.obstacle = std::string(kernel.message());
  } else if (!programs.ok()) {
    traces.obstacle = std::string(programs.message());
  }
  return traces;
}

absl::optional<Flavour> ReadProgramFlavour() {
  const absl::StatusOr<std::string> program = FindProgram("iptables");
  if (!program.ok()) return absl::nullopt;
  const absl::StatusOr<std::string> version =
      OutputOf({*program, "--version"}, "", {.wall = absl::Seconds(5)});
  if (!version.ok() || !absl::StartsWith(*version, "iptables v"))
    return absl::nullopt;
  // Those before 1.8 knew no other flavour, and say none.
  return absl::StrContains(*version, "(nf_tables)") ? Flavour::kNft
                                                    : Flavour::kLegacy;
}

}  // namespace netpol
