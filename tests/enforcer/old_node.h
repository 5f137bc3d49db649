// A node on which others left rules and sets: of kube-router's layouts, and of
// people who have nothing to do with us.
#ifndef NETPOL_TESTS_ENFORCER_OLD_NODE_H_
#define NETPOL_TESTS_ENFORCER_OLD_NODE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {

// How kube-router lays its rules out.
enum class OldLayout {
  kV26,   // v2.6: no chain for the end of the judgement
  kV211,  // v2.10 and later, with default-deny
};

// Each test has an empty network namespace; skips where there can be none.
class OldNodeTest : public LabFixture {
 protected:
  void SetUp() override;

  // A program on the node, which must succeed; what it printed.
  std::string Tool(std::vector<std::string> argv, std::string input = "");
  // Likewise, whatever becomes of it.
  ProgramResult TryTool(std::vector<std::string> argv, std::string input = "");
  // "ip6tables-nft-restore" for kIPv6, kNft and "restore".
  static std::string Xtables(Family family, Flavour flavour,
                             absl::string_view step = "");

  // Rules of others in filter and nat of both families, with counters and with
  // our words in their comments, and their sets.
  void LoadForeign(Flavour flavour);
  // Native rules that iptables cannot show, in the tables of iptables-nft, and
  // tables of their own. After LoadForeign(kNft).
  void LoadNativeNft();
  // kube-router's rules and sets of both families; its hooks stand behind a
  // rule of others if there is one. One of its rules uses a set of others.
  void LoadKubeRouter(Flavour flavour, OldLayout layout);
  // kube-router's rules alone.
  void LoadKubeRouterRules(Flavour flavour, Family family, OldLayout layout);
  void LoadKubeRouterSets();
  // What `netpolctl apply` makes of a small cluster, in both families.
  void LoadOurs(Flavour flavour);
  // The tables that kube-router makes when it is told to use nftables.
  void LoadKubeRouterNftTables();

  // Everything in the kernel that iptables, nft and ipset show, with counters;
  // equal texts are equal kernels.
  std::string KernelText();
  // The rules alone, but for what a save program cannot show.
  std::string RulesText();
  // Of one family's filter table.
  std::string FilterText(Family family, Flavour flavour);
  std::vector<std::string> SetNames();

  // Lets `work` happen on another, empty node, which is gone afterwards.
  void Elsewhere(const std::function<void()>& work);

  const NetNs& ns() const { return *ns_; }

 private:
  absl::optional<NetNs> ns_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_ENFORCER_OLD_NODE_H_
