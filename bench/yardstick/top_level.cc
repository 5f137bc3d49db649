#include "bench/yardstick/top_level.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/yardstick/command.h"
#include "bench/yardstick/yardstick_programs.h"
#include "netpol/base/status_macros.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

using Words = std::vector<std::string>;

constexpr char kTail[] = "KUBE-NWPLCY-TAIL";

Words Commented(absl::string_view comment, const Words& rest) {
  Words rule = {"-m", "comment", "--comment", std::string(comment)};
  rule.insert(rule.end(), rest.begin(), rest.end());
  return rule;
}

Words With(Words words, const Words& rest) {
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

std::string RuleId(const std::string& chain, const Words& rule) {
  std::vector<absl::string_view> words = {chain};
  words.insert(words.end(), rule.begin(), rule.end());
  return CompatibleRuleId(words);
}

Words TailRule() {
  return Commented("accept netpol-ok",
                   {"-m", "mark", "--mark", "0x20000/0x20000", "-j", "ACCEPT"});
}

// From 1; 0 if no rule of the listing has `id`.
int PositionOf(absl::string_view id, absl::string_view listing) {
  int position = 0;
  for (absl::string_view line : absl::StrSplit(listing, '\n')) {
    if (!absl::StartsWith(line, "-A ")) continue;
    ++position;
    if (absl::StrContains(line, id)) return position;
  }
  return 0;
}

struct IcmpType {
  absl::string_view name;
  absl::string_view number;
};

const std::vector<IcmpType>& IcmpTypes(Family family) {
  static const auto* const kIPv4 =
      new std::vector<IcmpType>{{"echo requests", "8"},
                                {"destination unreachable messages", "3"},
                                {"time exceeded messages", "11"}};
  static const auto* const kIPv6 =
      new std::vector<IcmpType>{{"echo requests", "128"},
                                {"destination unreachable messages", "1"},
                                {"time exceeded messages", "3"},
                                {"neighbor solicitation messages", "135"},
                                {"neighbor advertisement messages", "136"},
                                {"echo reply messages", "129"}};
  return family == Family::kIPv4 ? *kIPv4 : *kIPv6;
}

}  // namespace

absl::StatusOr<bool> TopLevel::Ask(Words arguments) {
  Words argv = {FilterProgram(family_, ""), "-t", "filter"};
  argv = With(std::move(argv), arguments);
  argv.push_back("--wait");
  ++commands_;
  ASSIGN_OR_RETURN(const CommandResult result, RunCommand(argv));
  if (result.exit_code > 1) {
    return absl::InternalError(
        absl::StrCat(argv.front(), " ", arguments[0], " ", arguments[1],
                     " ended with ", result.exit_code, ": ", result.err));
  }
  return result.exit_code == 0;
}

absl::Status TopLevel::Do(Words arguments) {
  const std::string what = absl::StrCat(arguments[0], " ", arguments[1]);
  ASSIGN_OR_RETURN(const bool done, Ask(std::move(arguments)));
  if (done) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(FilterProgram(family_, ""), " ", what, " was refused"));
}

absl::StatusOr<std::string> TopLevel::List(const std::string& chain) {
  ++commands_;
  return OutputOf(
      {FilterProgram(family_, ""), "-t", "filter", "-S", chain, "--wait"});
}

absl::Status TopLevel::EnsureChain(const std::string& chain) {
  ASSIGN_OR_RETURN(const bool exists, Ask({"-S", chain, "1"}));
  return exists ? absl::OkStatus() : Do({"-N", chain});
}

absl::Status TopLevel::EnsureAppended(const std::string& chain,
                                      const Words& rule) {
  ASSIGN_OR_RETURN(const bool exists, Ask(With({"-C", chain}, rule)));
  return exists ? absl::OkStatus() : Do(With({"-A", chain}, rule));
}

absl::Status TopLevel::EnsureAt(const std::string& chain, Words rule,
                                size_t comment_at, int position) {
  const std::string id = RuleId(chain, rule);
  absl::StrAppend(&rule[comment_at], " - ", id);
  const Words insert = With({"-I", chain, absl::StrCat(position)}, rule);
  ASSIGN_OR_RETURN(const bool exists, Ask(With({"-C", chain}, rule)));
  if (!exists) return Do(insert);
  ASSIGN_OR_RETURN(const std::string listing, List(chain));
  const int found = PositionOf(id, listing);
  if (found == position) return absl::OkStatus();
  RETURN_IF_ERROR(Do(insert));
  return Do({"-D", chain, absl::StrCat(found + 1)});
}

absl::Status TopLevel::EnsureHooks() {
  for (const std::string hook : {"INPUT", "FORWARD", "OUTPUT"}) {
    const std::string chain = absl::StrCat("KUBE-ROUTER-", hook);
    RETURN_IF_ERROR(EnsureChain(chain));
    RETURN_IF_ERROR(
        EnsureAt(hook, Commented("kube-router netpol", {"-j", chain}), 3, 1));
  }
  return absl::OkStatus();
}

absl::Status TopLevel::EnsureExemptions() {
  const std::string chain(kInputChain);
  int position = 0;
  for (const std::string& range : cluster_ip_ranges_) {
    RETURN_IF_ERROR(EnsureAt(
        chain,
        Commented("allow traffic to primary/secondary cluster IP range",
                  {"-d", range, "-j", "RETURN"}),
        3, ++position));
  }
  for (const std::string protocol : {"tcp", "udp", "sctp"}) {
    Words rule =
        Commented(absl::StrCat("allow LOCAL ", absl::AsciiStrToUpper(protocol),
                               " traffic to node ports"),
                  {"-m", "addrtype", "--dst-type", "LOCAL", "-m", "multiport",
                   "--dports", node_ports_, "-j", "RETURN"});
    RETURN_IF_ERROR(
        EnsureAt(chain, With({"-p", protocol}, rule), 5, ++position));
  }
  return absl::OkStatus();
}

absl::Status TopLevel::EnsureCommon() {
  const std::string chain = "KUBE-NWPLCY-COMMON";
  RETURN_IF_ERROR(EnsureChain(chain));
  // The quotation marks are part of these two comments.
  RETURN_IF_ERROR(EnsureAppended(
      chain,
      Commented("\"rule to drop invalid state for pod\"",
                {"-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP"})));
  RETURN_IF_ERROR(EnsureAppended(
      chain, Commented("\"rule for stateful firewall for pod\"",
                       {"-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED",
                        "-j", "ACCEPT"})));
  const bool is_ipv4 = family_ == Family::kIPv4;
  for (const IcmpType& type : IcmpTypes(family_)) {
    Words rule = Commented(absl::StrCat("allow icmp ", type.name),
                           {"-p", is_ipv4 ? "icmp" : "ipv6-icmp",
                            is_ipv4 ? "--icmp-type" : "--icmpv6-type",
                            std::string(type.number), "-j", "ACCEPT"});
    RETURN_IF_ERROR(EnsureAppended(chain, rule));
  }
  return absl::OkStatus();
}

absl::Status TopLevel::Start() {
  RETURN_IF_ERROR(EnsureChain(kTail));
  RETURN_IF_ERROR(Do({"-F", kTail}));
  return Do(With({"-A", kTail}, TailRule()));
}

absl::Status TopLevel::Ensure() {
  RETURN_IF_ERROR(EnsureHooks());
  RETURN_IF_ERROR(EnsureExemptions());
  RETURN_IF_ERROR(EnsureChain("KUBE-NWPLCY-DEFAULT"));
  RETURN_IF_ERROR(EnsureAppended(
      "KUBE-NWPLCY-DEFAULT",
      Commented("rule to mark traffic matching a network policy",
                {"-j", "MARK", "--set-xmark", "0x10000/0x10000"})));
  RETURN_IF_ERROR(EnsureCommon());
  RETURN_IF_ERROR(EnsureChain(kTail));
  // The original counts the rules, and does no more than warn.
  return List(kTail).status();
}

}  // namespace netpol
