#include "bench/rooms/model_table.h"

#include <netinet/in.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"

namespace netpol {
namespace {

constexpr int kSets = 50;
constexpr char kVerdictChain[] = "KUBE-NWPLCY-ALLOW";

SetName ModelSetName(int number) {
  return SetName(Family::kIPv4, absl::StrCat("KUBE-SRC-MODEL", number));
}

ChainName ModelChainName(int number) {
  return ChainName(absl::StrCat("KUBE-NWPLCY-MODEL", number));
}

Rule ModelRule(int chain, int number) {
  Rule rule;
  rule.protocol = IPPROTO_TCP;
  rule.comment = absl::StrCat("space-", chain % 100, "/model-", chain);
  const auto port = static_cast<uint16_t>(8000 + number);
  rule.matches = {SetMatch{ModelSetName((chain + number) % kSets)},
                  PortsMatch{{{port, port}}}};
  rule.action = GotoAction{ChainName(kVerdictChain)};
  return rule;
}

Rule JumpToChain(ChainName chain) {
  Rule rule;
  rule.action = JumpAction{std::move(chain)};
  return rule;
}

}  // namespace

std::vector<SetSpec> ModelSets() {
  std::vector<SetSpec> sets;
  for (int i = 0; i < kSets; ++i) sets.push_back({ModelSetName(i)});
  return sets;
}

Chain ModelChain(int number) {
  Chain chain{ModelChainName(number), {}};
  for (int i = 0; i < kModelChainRules; ++i)
    chain.rules.push_back(ModelRule(number, i));
  return chain;
}

TableChange ModelTable(int rules) {
  TableChange change;
  change.hooks = HookChange::kEnsure;
  Chain forward{ChainName(kForwardChain), {}};
  Rule accept;
  accept.action = AcceptAction{};
  change.write.push_back({ChainName(kVerdictChain), {accept}});
  for (int i = 0; i < rules / kModelChainRules; ++i) {
    change.write.push_back(ModelChain(i));
    forward.rules.push_back(JumpToChain(change.write.back().name));
  }
  change.write.push_back(std::move(forward));
  change.write.push_back({ChainName(kInputChain), {}});
  change.write.push_back({ChainName(kOutputChain), {}});
  return change;
}

}  // namespace netpol
