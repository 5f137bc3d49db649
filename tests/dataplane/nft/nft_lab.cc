#include "tests/dataplane/nft/nft_lab.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace netpol {
namespace {

std::string Command(const char* suffix) {
  return absl::StrCat(
      FilterLabTest::GetParam() == Family::kIPv4 ? "iptables" : "ip6tables",
      "-nft", suffix);
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

}  // namespace

std::string NftLabTest::Iptables(const std::string& arguments) {
  return Run(absl::StrCat(Command(" "), arguments));
}

void NftLabTest::Restore(const std::string& input) {
  Run(absl::StrCat(Command("-restore --noflush"), " <<'RULES'\n", input,
                   "RULES\n#"));
}

std::string NftLabTest::Nft(const std::string& arguments) {
  return Run(absl::StrCat(
      "nft ", absl::StrReplaceAll(
                  arguments,
                  {{"FAMILY", GetParam() == Family::kIPv4 ? "ip" : "ip6"}})));
}

std::vector<std::string> NftLabTest::SavedRules(const std::string& chain) {
  std::vector<std::string> rules;
  const std::string start = absl::StrCat("-A ", chain, " ");
  for (const std::string& line : Lines(Iptables(absl::StrCat("-S ", chain)))) {
    if (absl::StartsWith(line, start))
      rules.emplace_back(line.substr(start.size()));
  }
  return rules;
}

std::vector<std::string> NftLabTest::RulesetOfOthers() {
  std::vector<std::string> lines;
  bool in_ours = false;
  for (const std::string& line : Lines(Nft("-a list ruleset"))) {
    if (absl::StrContains(line, "chain ")) {
      in_ours = absl::StrContains(line, "chain KUBE-");
    }
    if (!in_ours && !absl::StrContains(line, "KUBE-")) lines.push_back(line);
    if (line == "\t}") in_ours = false;
  }
  return lines;
}

int NftLabTest::PacketsOf(const std::string& chain, int position) {
  for (const std::string& line :
       Lines(Nft(absl::StrCat("list chain FAMILY filter ", chain)))) {
    const size_t at = line.find("counter packets ");
    if (at == std::string::npos || --position > 0) continue;
    const std::vector<std::string> words = absl::StrSplit(line.substr(at), ' ');
    int packets = -1;
    EXPECT_TRUE(absl::SimpleAtoi(words[2], &packets)) << line;
    return packets;
  }
  ADD_FAILURE() << "no such rule in " << chain;
  return -1;
}

}  // namespace netpol
