#include "tests/kernel/take_over/hook_watch.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/take_over/node_programs.h"

namespace netpol {
namespace {

// Jumps from `chain`; -1 for one that does not stand first.
int CountJumps(const NetNs& ns, Flavour flavour, Family family,
               absl::string_view chain, std::string& listing) {
  Program program;
  program.argv = {TablesProgram(flavour, family), "-w", "-S",
                  std::string(chain)};
  const absl::StatusOr<ProgramResult> result = RunProgram(ns, program);
  // A built-in chain that nobody uses does not exist in nf_tables.
  if (!result.ok() || result->exit_code != 0) return 0;
  listing = result->out;
  const std::string jump = absl::StrCat(" -j KUBE-ROUTER-", chain);
  int jumps = 0;
  int position = 0;
  bool first = false;
  for (absl::string_view line : absl::StrSplit(result->out, '\n')) {
    if (!absl::StartsWith(line, "-A ")) continue;
    ++position;
    if (!absl::EndsWith(line, jump)) continue;
    ++jumps;
    first = first || position == 1;
  }
  return jumps == 1 && !first ? -1 : jumps;
}

}  // namespace

std::string HookFault(const NetNs& ns, const std::vector<Flavour>& flavours) {
  for (const Family family : {Family::kIPv4, Family::kIPv6}) {
    for (const absl::string_view chain : {"INPUT", "FORWARD", "OUTPUT"}) {
      bool some = false;
      for (const Flavour flavour : flavours) {
        std::string listing;
        const int jumps = CountJumps(ns, flavour, family, chain, listing);
        if (jumps == 1) some = true;
        if (jumps > 1 || jumps < 0) {
          return absl::StrCat(FamilyName(family), " ", FlavourName(flavour),
                              ", ", chain, ":\n", listing);
        }
      }
      if (!some)
        return absl::StrCat(FamilyName(family), " ", chain, " has no jump");
    }
  }
  return "";
}

HookWatch::HookWatch(const NetNs* ns, std::vector<Flavour> flavours)
    : thread_([this, ns, flavours = std::move(flavours)] {
        while (!over_ && fault_.empty()) {
          fault_ = HookFault(*ns, flavours);
          ++looks_;
        }
      }) {}

const std::string& HookWatch::End() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
  return fault_;
}

}  // namespace netpol
