#include "bench/yardstick/table_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "bench/yardstick/yardstick_names.h"

namespace netpol {
namespace {

constexpr absl::string_view kToTail =
    " -m comment --comment \"rule to explicitly handle traffic for network "
    "policies ACCEPT/REJECT decision\" -j KUBE-NWPLCY-TAIL";
constexpr absl::string_view kAcceptMarked =
    " -m comment --comment \"rule to explicitly ACCEPT traffic that comply to "
    "network policies\" -m mark --mark 0x20000/0x20000 -j ACCEPT";

template <typename Visit>
void ForEachLine(absl::string_view text, const Visit& visit) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    visit(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

// The whole text again without `rule`, then `rule`.
std::string WithRuleAtEnd(absl::string_view text, const std::string& rule) {
  std::string moved;
  moved.reserve(text.size() + rule.size() + 1);
  ForEachLine(text, [&](absl::string_view line) {
    if (line != rule) absl::StrAppend(&moved, line, "\n");
  });
  absl::StrAppend(&moved, rule, "\n");
  return moved;
}

bool IsFixed(absl::string_view chain) {
  return chain == "KUBE-NWPLCY-DEFAULT" || chain == "KUBE-NWPLCY-COMMON" ||
         chain == "KUBE-NWPLCY-TAIL";
}

bool NamesStale(absl::string_view line,
                const absl::flat_hash_set<std::string>& stale) {
  constexpr absl::string_view kStart = "KUBE-";
  for (size_t at = line.find(kStart); at != absl::string_view::npos;
       at = line.find(kStart, at + kStart.size())) {
    const size_t end = std::min(line.find(' ', at), line.size());
    if (stale.contains(line.substr(at, end - at))) return true;
  }
  return false;
}

}  // namespace

absl::flat_hash_set<std::string> StaleChainsIn(
    absl::string_view listing, const absl::flat_hash_set<std::string>& active) {
  absl::flat_hash_set<std::string> stale;
  ForEachLine(listing, [&](absl::string_view line) {
    if (!absl::ConsumePrefix(&line, "-N ")) return;
    const bool ours = absl::StartsWith(line, kPolicyChainPrefix) ||
                      absl::StartsWith(line, kPodChainPrefix);
    if (ours && !IsFixed(line) && !active.contains(line)) {
      stale.emplace(line);
    }
  });
  return stale;
}

std::string RebuiltTable(absl::string_view saved, absl::string_view added,
                         const absl::flat_hash_set<std::string>& stale) {
  std::string text = absl::StrCat(saved, added);
  for (absl::string_view chain :
       {"KUBE-ROUTER-INPUT", "KUBE-ROUTER-FORWARD", "KUBE-ROUTER-OUTPUT"}) {
    for (absl::string_view rule : {kToTail, kAcceptMarked}) {
      text = WithRuleAtEnd(text, absl::StrCat("-A ", chain, rule));
    }
  }
  std::string chains = "*filter\n";
  std::string rules;
  rules.reserve(text.size());
  ForEachLine(text, [&](absl::string_view line) {
    if (line.empty() || (line[0] != ':' && line[0] != '-') ||
        NamesStale(line, stale)) {
      return;
    }
    if (line[0] == ':') {
      // Of two ends of a line the first counts, so policies stay as they were.
      absl::StrAppend(&chains, line, " - [0:0]\n");
    } else {
      absl::StrAppend(&rules, line, "\n");
    }
  });
  return absl::StrCat(chains, rules, "COMMIT\n");
}

}  // namespace netpol
