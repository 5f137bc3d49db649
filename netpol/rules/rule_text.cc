#include "netpol/rules/rule_text.h"

#include <netinet/in.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/rules/match_text.h"
#include "netpol/rules/rule_words.h"

namespace netpol {
namespace {

// Names of xtables_chain_protos in iptables, or the number.
absl::optional<uint8_t> ParseProtocol(absl::string_view text) {
  constexpr std::pair<absl::string_view, uint8_t> kNames[] = {
      {"tcp", IPPROTO_TCP},       {"udp", IPPROTO_UDP},
      {"sctp", IPPROTO_SCTP},     {"icmp", IPPROTO_ICMP},
      {"icmpv6", IPPROTO_ICMPV6}, {"ipv6-icmp", IPPROTO_ICMPV6},
      {"udplite", 136},           {"esp", IPPROTO_ESP},
      {"ah", IPPROTO_AH},         {"all", 0}};
  for (const auto& [name, number] : kNames) {
    if (text == name) return number;
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number > 255) return absl::nullopt;
  return static_cast<uint8_t>(number);
}

// Reads the words behind "-A CHAIN".
class RuleReader {
 public:
  RuleReader(absl::Span<const RuleWord> words, Family family)
      : words_(words), family_(family) {}

  Rule Read() &&;

 private:
  bool AtEnd() const { return at_ >= words_.size(); }
  bool AtNextPart() const {
    return AtEnd() || words_[at_].Is("-m") || words_[at_].Is("-j") ||
           words_[at_].Is("-g");
  }
  bool TakeIf(absl::string_view word) {
    if (AtEnd() || !words_[at_].Is(word)) return false;
    ++at_;
    return true;
  }
  // Empty at the end.
  absl::string_view Take() {
    return AtEnd() ? absl::string_view() : words_[at_++].text;
  }
  absl::Span<const RuleWord> TakeOptions();

  void ReadHeader();
  void ReadPrefix(absl::optional<IpPrefix>& prefix);
  void ReadMatches();
  void ReadComment(size_t index, absl::Span<const RuleWord> options);
  void ReadEnd();

  const absl::Span<const RuleWord> words_;
  const Family family_;
  size_t at_ = 0;
  Rule rule_;
  // What is not understood, each part's first.
  std::string header_;
  std::string match_;
  std::string end_;
  bool other_comment_ = false;
};

void Note(std::string& problem, absl::string_view what) {
  if (problem.empty()) problem = std::string(what);
}

// Everything up to the next match or the rule's end.
absl::Span<const RuleWord> RuleReader::TakeOptions() {
  const size_t first = at_;
  while (!AtNextPart()) {
    // Text may look like anything.
    if (words_[at_].Is("--comment") && at_ + 1 < words_.size()) ++at_;
    ++at_;
  }
  return words_.subspan(first, at_ - first);
}

void RuleReader::ReadPrefix(absl::optional<IpPrefix>& prefix) {
  const absl::string_view text = Take();
  const bool has_length = text.find('/') != absl::string_view::npos;
  const absl::StatusOr<IpPrefix> parsed = IpPrefix::Parse(
      has_length ? std::string(text)
                 : absl::StrCat(text, "/", AddressBits(family_)));
  if (!parsed.ok() || parsed->family() != family_ || prefix.has_value()) {
    return Note(header_, absl::StrCat("address ", text));
  }
  // Length 0 is no condition.
  if (parsed->length > 0) prefix = *parsed;
}

void RuleReader::ReadHeader() {
  while (!AtNextPart()) {
    const absl::string_view option = Take();
    if (option == "-s") {
      ReadPrefix(rule_.source);
    } else if (option == "-d") {
      ReadPrefix(rule_.destination);
    } else if (option == "-p") {
      const absl::string_view text = Take();
      const absl::optional<uint8_t> protocol = ParseProtocol(text);
      if (!protocol.has_value()) Note(header_, absl::StrCat("protocol ", text));
      if (protocol.value_or(0) != 0) rule_.protocol = protocol;
    } else if (option == "-i" || option == "-o") {
      Take();
      Note(header_, "interface name");
    } else if (option == "!") {
      Note(header_, "inverted address, protocol or fragment");
    } else {
      Note(header_, absl::StrCat("option ", option));
    }
  }
}

// Ours is the last match. One that is the first is told too, for older layouts
// had it there, but makes the rule another one.
void RuleReader::ReadComment(size_t index, absl::Span<const RuleWord> options) {
  const bool last = AtEnd() || !words_[at_].Is("-m");
  if (options.size() != 2 || !options[0].Is("--comment") ||
      (index > 0 && !last)) {
    return Note(match_, "match comment");
  }
  if (!last || !rule_.comment.empty() || options[1].text.empty()) {
    other_comment_ = true;
  }
  rule_.comment = options[1].text;
}

void RuleReader::ReadMatches() {
  for (size_t index = 0; TakeIf("-m"); ++index) {
    const absl::string_view name = Take();
    const absl::Span<const RuleWord> options = TakeOptions();
    if (!match_.empty()) continue;
    if (name == "comment") {
      ReadComment(index, options);
      continue;
    }
    absl::StatusOr<Match> match =
        ParseMatchText(name, options, {family_, rule_.protocol});
    if (match.ok()) {
      rule_.matches.push_back(*std::move(match));
    } else {
      Note(match_, match.status().message());
    }
  }
}

void RuleReader::ReadEnd() {
  const bool go = TakeIf("-g");
  if (!go && !TakeIf("-j")) return Note(end_, "no target");
  const absl::string_view target = Take();
  absl::StatusOr<Action> action =
      ParseActionText(target, words_.subspan(at_), go, family_);
  if (action.ok()) {
    rule_.action = *std::move(action);
  } else {
    Note(end_, action.status().message());
  }
}

Rule RuleReader::Read() && {
  ReadHeader();
  ReadMatches();
  ReadEnd();
  for (const std::string& problem : {match_, end_, header_}) {
    if (!problem.empty()) Note(rule_.foreign, problem);
  }
  if (other_comment_) Note(rule_.foreign, "other options of match comment");
  return std::move(rule_);
}

}  // namespace

absl::StatusOr<RuleLine> ParseRuleLine(absl::string_view line, Family family) {
  const std::vector<RuleWord> words = SplitRuleWords(line);
  if (words.size() < 2 || !words[0].Is("-A") || words[1].text.empty()) {
    constexpr size_t kShown = 80;
    return absl::InvalidArgumentError(
        absl::StrCat("\"", line.substr(0, kShown), "\" is no line of a rule"));
  }
  RuleLine result;
  result.chain = words[1].text;
  result.rule =
      RuleReader(absl::MakeConstSpan(words).subspan(2), family).Read();
  return result;
}

}  // namespace netpol
