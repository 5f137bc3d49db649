// A table of the nf_tables flavour with what tests of it have in common.
#ifndef NETPOL_TESTS_DATAPLANE_NFT_NFT_TABLE_FIXTURE_H_
#define NETPOL_TESTS_DATAPLANE_NFT_NFT_TABLE_FIXTURE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "netpol/dataplane/hook_layout.h"
#include "netpol/dataplane/nft/nft_filter_table.h"
#include "netpol/rules/rule.h"
#include "tests/dataplane/legacy/rule_corpus.h"
#include "tests/dataplane/nft/nft_lab.h"

namespace netpol {

class NftFilterTableTest : public NftLabTest {
 protected:
  absl::Status Commit(const std::vector<Chain>& write,
                      const std::vector<ChainName>& remove = {},
                      HookChange hooks = HookChange::kNone) {
    return table_.Commit({family(), write, remove, hooks});
  }
  ObservedTable Read() {
    absl::StatusOr<ObservedTable> observed = table_.Read();
    EXPECT_TRUE(observed.ok()) << observed.status();
    return observed.ok() ? *observed : ObservedTable();
  }
  bool MayHaveChanged() {
    const absl::StatusOr<bool> changed = table_.MayHaveChanged();
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.value_or(false);
  }
  // Our three hook chains, INPUT with `input`.
  static std::vector<Chain> HookChains(const std::vector<Rule>& input = {}) {
    return {{ChainName(kInputChain), input},
            {ChainName(kForwardChain), {}},
            {ChainName(kOutputChain), {}}};
  }
  static std::vector<ChainName> HookChainNames() {
    return {ChainName(kInputChain), ChainName(kForwardChain),
            ChainName(kOutputChain)};
  }
  static Rule Return(const std::string& comment) {
    return PlainRule(comment, ReturnAction{});
  }
  static Rule Jump(const ChainName& chain) {
    return PlainRule("", JumpAction{chain});
  }
  // The text of the right jump.
  static std::string Hook(int place) {
    return HookRule(kHookPlaces[place]).ToString(family());
  }
  // Rules of other owners, also such as only the nft command understands, and
  // with sets, before and behind where our jumps come to stand.
  static void AddForeignRules() {
    Iptables("-N OTHER");
    Iptables("-A OTHER -m string --algo bm --string secret -j DROP");
    Iptables("-A OTHER -p udp -m udp --dport 7001 -j RETURN");
    Iptables("-A INPUT -i eth0 -j ACCEPT");
    Iptables("-A INPUT -j OTHER");
    Iptables("-A OUTPUT -m owner --uid-owner 4711 -j LOG --log-prefix odd");
    Iptables("-A FORWARD -m limit --limit 3/sec -j NFQUEUE --queue-num 9");
    Iptables("-A FORWARD -m recent --set --name seen -j DROP");
    Iptables("-P FORWARD DROP");
    Nft("add set FAMILY filter named '{ type inet_service; }'");
    Nft("add element FAMILY filter named '{ 22, 23 }'");
    Nft("insert rule FAMILY filter FORWARD tcp dport @named counter accept");
    Nft("add rule FAMILY filter FORWARD tcp dport '{ 80, 443 }' counter drop");
    Nft("add rule FAMILY filter INPUT ct state established counter accept");
    Nft("add table inet somebody");
    Nft("add chain inet somebody KUBE-ROUTER-INPUT");
    Nft("add rule inet somebody KUBE-ROUTER-INPUT counter accept");
  }

  const ChainName a_{"KUBE-NWPLCY-A"};
  const ChainName b_{"KUBE-NWPLCY-B"};
  NftFilterTable table_{family()};
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DATAPLANE_NFT_NFT_TABLE_FIXTURE_H_
