#include "netpol/dataplane/nft/chain_listing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/rules/rule_text.h"

namespace netpol {
namespace {

// Each listed chain begins with a line "-N CHAIN", or "-P CHAIN …" for a
// built-in one.
void TakeOutput(absl::string_view out, ChainListing& listing) {
  std::vector<std::string>* chain = nullptr;
  for (absl::string_view line : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "-N ") ||
        absl::ConsumePrefix(&rest, "-P ")) {
      chain = &listing.lines[std::string(rest.substr(0, rest.find(' ')))];
      chain->clear();
    } else if (chain != nullptr) {
      chain->emplace_back(line);
    }
  }
}

// "chain `X' in table `filter' is incompatible, use 'nft' tool.", which is also
// what is said of a chain that is not there.
std::string IncompatibleChain(absl::string_view err) {
  constexpr absl::string_view kBefore = "chain `";
  if (!absl::StrContains(err, "is incompatible")) return "";
  const size_t start = err.find(kBefore);
  if (start == absl::string_view::npos) return "";
  const absl::string_view name = err.substr(start + kBefore.size());
  return std::string(name.substr(0, name.find('\'')));
}

}  // namespace

absl::StatusOr<ChainListing> ListChains(
    const RestoreProgram& program, const std::vector<std::string>& chains) {
  ChainListing listing;
  std::vector<std::string> left = chains;
  while (!left.empty()) {
    std::string input = "*filter\n";
    for (const std::string& chain : left)
      absl::StrAppend(&input, "-S ", chain, "\n");
    input += "COMMIT\n";
    ASSIGN_OR_RETURN(const RestoreRun run, program.Run(input));
    TakeOutput(run.out, listing);
    if (run.succeeded) break;
    const std::string culprit = IncompatibleChain(run.err);
    std::vector<std::string> next;
    bool found = false;
    for (std::string& chain : left) {
      if (chain == culprit) {
        found = true;
      } else if (!listing.lines.contains(chain)) {
        next.push_back(std::move(chain));
      }
    }
    if (!found) return program.ErrorOf(run, input, "listing our chains");
    listing.unlisted.push_back(culprit);
    left = std::move(next);
  }
  return listing;
}

absl::Status SetIncompleteAside(NftChannel& channel, Family family,
                                ChainListing& listing) {
  constexpr absl::string_view kTable = "filter";
  if (listing.lines.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool has_sets, channel.HasSets(family, kTable));
  if (!has_sets) return absl::OkStatus();
  const size_t before = listing.unlisted.size();
  // Chain by chain: the kernel lists all rules at once in quadratic time.
  for (const auto& [chain, lines] : listing.lines) {
    ASSIGN_OR_RETURN(const std::vector<NftRule> rules,
                     channel.Rules(family, kTable, chain));
    if (std::any_of(rules.begin(), rules.end(),
                    [](const NftRule& rule) { return rule.looks_up; })) {
      listing.unlisted.push_back(chain);
    }
  }
  for (size_t i = before; i < listing.unlisted.size(); ++i) {
    listing.lines.erase(listing.unlisted[i]);
  }
  return absl::OkStatus();
}

std::vector<Rule> ReadRules(const std::vector<std::string>& lines,
                            Family family) {
  std::vector<Rule> rules;
  rules.reserve(lines.size());
  for (const std::string& line : lines) {
    absl::StatusOr<RuleLine> parsed = ParseRuleLine(line, family);
    if (parsed.ok()) {
      rules.push_back(std::move(parsed->rule));
    } else {
      rules.emplace_back().foreign = std::string(parsed.status().message());
    }
  }
  return rules;
}

std::vector<Rule> UnlistedRules() {
  Rule rule;
  rule.foreign = "a rule that only the nft command understands";
  return {rule};
}

}  // namespace netpol
