#include "tests/enforcer/old_node.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/daemon/small_cluster.h"

namespace netpol {
namespace {

// $NET, $POD and $SET are of the family.
constexpr char kForeignRules[] = R"(*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
:SITE-RULES - [0:0]
[7:420] -A INPUT -j SITE-RULES
[1:60] -A INPUT -m comment --comment "KUBE-ROUTER is not mine" -j ACCEPT
[2:120] -A FORWARD -m comment --comment "KUBE-POD-FW-AAAABBBBCCCCDDDD" -j ACCEPT
[9:540] -A FORWARD -j KUBE-FORWARD
[3:180] -A FORWARD -p tcp -m multiport --dports 1:5,7 -m set --match-set $SETsite src -m limit --limit 3/min -j LOG --log-prefix "site: "
[4:240] -A FORWARD -m mark --mark 0x20000/0x20000 -m comment --comment "KUBE-ROUTER accept of a site" -j DROP
[5:300] -A OUTPUT -m owner --uid-owner 12345 -j DROP
[6:360] -A SITE-RULES -s $NET -m comment --comment "kube-router netpol - TEMCG2JMHZYE7H7T" -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
[8:480] -A PREROUTING -j KUBE-SERVICES
[10:600] -A POSTROUTING -s $NET -m comment --comment "KUBE-ROUTER, masquerade" -j MASQUERADE
COMMIT
)";

constexpr char kForeignSets[] =
    "create site hash:ip counters\n"
    "add site 192.0.2.7 packets 3 bytes 180\n"
    "create inet6:site hash:ip family inet6\n"
    "add inet6:site 2001:db8::7\n"
    "create KUBE-CLUSTER-IP hash:ip,port\n"
    "add KUBE-CLUSTER-IP 10.43.0.1,tcp:443\n"
    "create MY-KUBE-SRC-1 hash:net\n";

constexpr char kOldSets[] =
    "create KUBE-DST-J2ZHBOJZDMQ6O366 hash:ip timeout 0\n"
    "add KUBE-DST-J2ZHBOJZDMQ6O366 10.42.0.10 timeout 0\n"
    "create KUBE-SRC-IIIIJJJJKKKKLLLL hash:net timeout 0\n"
    "create inet6:KUBE-DST-5PTHGIN7GOKJO7TI hash:ip family inet6 timeout 0\n"
    "create kube-router-local-pods hash:ip timeout 0\n"
    "create inet6:kube-router-local-pods hash:ip family inet6 timeout 0\n"
    "create TMP-UUUUVVVVWWWWXXXX hash:ip\n";

// Both layouts: a pod that a policy lets in by address set.
constexpr char kBegin[] = R"(*filter
:KUBE-NWPLCY-COMMON - [0:0]
:KUBE-NWPLCY-DEFAULT - [0:0]
:KUBE-NWPLCY-UMAGFG6WAPIEW53U - [0:0]
:KUBE-POD-FW-73TH3XCTPN7ZVLZ2 - [0:0]
:KUBE-ROUTER-FORWARD - [0:0]
:KUBE-ROUTER-INPUT - [0:0]
:KUBE-ROUTER-OUTPUT - [0:0]
-I INPUT 1 -m comment --comment "kube-router netpol - 4IA2OSFRMVNDXBVV" -j KUBE-ROUTER-INPUT
-I FORWARD $AT -m comment --comment "kube-router netpol - TEMCG2JMHZYE7H7T" -j KUBE-ROUTER-FORWARD
-I OUTPUT 1 -m comment --comment "kube-router netpol - VEAAIY32XVBHCSCY" -j KUBE-ROUTER-OUTPUT
-A KUBE-NWPLCY-COMMON -m comment --comment "\"rule to drop invalid state for pod\"" -m conntrack --ctstate INVALID -j DROP
-A KUBE-NWPLCY-COMMON -m comment --comment "\"rule for stateful firewall for pod\"" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-NWPLCY-DEFAULT -m comment --comment "rule to mark traffic matching a network policy" -j MARK --set-xmark 0x10000/0x10000
-A KUBE-NWPLCY-UMAGFG6WAPIEW53U -m comment --comment "shop/allow ingress cidr" -m set --match-set $SETsite src -m set --match-set $DST dst -j MARK --set-xmark 0x10000/0x10000
-A KUBE-NWPLCY-UMAGFG6WAPIEW53U -m comment --comment "shop/allow ingress cidr" -m set --match-set $SETsite src -m set --match-set $DST dst -m mark --mark 0x10000/0x10000 -j RETURN
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -m comment --comment "common netpol rules" -j KUBE-NWPLCY-COMMON
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -d $POD -m addrtype --src-type LOCAL -j ACCEPT
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -s $POD -m comment --comment "default egress" -j KUBE-NWPLCY-DEFAULT
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -d $POD -m comment --comment "shop/allow policy" -j KUBE-NWPLCY-UMAGFG6WAPIEW53U
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/min --limit-burst 10 -j NFLOG --nflog-group 100
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -m mark ! --mark 0x10000/0x10000 -j REJECT
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -j MARK --set-xmark 0x0/0x10000
-A KUBE-POD-FW-73TH3XCTPN7ZVLZ2 -m comment --comment "set netpol-ok mark" -j MARK --set-xmark 0x20000/0x20000
-A KUBE-ROUTER-FORWARD -d $POD -m physdev --physdev-is-bridged -m comment --comment "shop/web-0 in" -j KUBE-POD-FW-73TH3XCTPN7ZVLZ2
-A KUBE-ROUTER-INPUT -p tcp -m comment --comment "allow LOCAL TCP traffic to node ports - LR7XO7NXDBGQJD2M" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN
-A KUBE-ROUTER-OUTPUT -s $POD -m comment --comment "shop/web-0 out" -j KUBE-POD-FW-73TH3XCTPN7ZVLZ2
)";

constexpr char kTail[] = R"rules(:KUBE-NWPLCY-TAIL - [0:0]
-A KUBE-ROUTER-FORWARD -m comment --comment "rule to explicitly handle traffic for network policies ACCEPT/REJECT decision" -j KUBE-NWPLCY-TAIL
-A KUBE-NWPLCY-TAIL -s $NET -m comment --comment "reject unprogrammed local pod (default-deny)" -m set ! --match-set $SETkube-router-local-pods src -j REJECT
-A KUBE-NWPLCY-TAIL -m comment --comment "accept netpol-ok" -m mark --mark 0x20000/0x20000 -j ACCEPT
)rules";

constexpr char kEnd[] =
    "-A KUBE-ROUTER-FORWARD -m comment --comment \"rule to explicitly ACCEPT "
    "traffic that comply to network policies\" -m mark --mark 0x20000/0x20000 "
    "-j ACCEPT\nCOMMIT\n";

constexpr char kNativeNft[] =
    "add rule ip filter FORWARD tcp dport { 22, 23 } counter packets 5 bytes "
    "300 accept\n"
    "add chain ip filter native\n"
    "add rule ip filter native ct state vmap { established : accept }\n"
    "add rule ip6 filter INPUT ip6 saddr { 2001:db8::1 } drop comment "
    "\"KUBE-ROUTER\"\n"
    "add table ip kube-router-filter-ipv4-of-a-site\n"
    "add table inet site\n"
    "add set inet site KUBE-SRC-1 { type ipv4_addr; elements = { 192.0.2.1 } "
    "}\n"
    "add chain inet site KUBE-ROUTER-FORWARD { type filter hook forward "
    "priority 5; }\n"
    "add rule inet site KUBE-ROUTER-FORWARD ip saddr @KUBE-SRC-1 counter "
    "packets 7 bytes 420 drop\n";

constexpr char kOldNftTables[] =
    "add table ip kube-router-filter-ipv4\n"
    "add chain ip kube-router-filter-ipv4 KUBE-ROUTER-FORWARD { type filter "
    "hook forward priority 0; }\n"
    "add chain ip kube-router-filter-ipv4 KUBE-POD-FW-A\n"
    "add set ip kube-router-filter-ipv4 KUBE-SRC-A { type ipv4_addr; }\n"
    "add rule ip kube-router-filter-ipv4 KUBE-ROUTER-FORWARD ip saddr "
    "@KUBE-SRC-A counter jump KUBE-POD-FW-A\n"
    "add table ip6 kube-router-filter-ipv6\n";

std::string ForFamily(Family family, absl::string_view text) {
  const bool is_ipv4 = family == Family::kIPv4;
  return absl::StrReplaceAll(
      text, {{"$NET", is_ipv4 ? "192.0.2.0/24" : "2001:db8::/32"},
             {"$POD", is_ipv4 ? "10.42.0.10" : "fd00:42::a"},
             {"$SET", is_ipv4 ? "" : "inet6:"},
             {"$DST", is_ipv4 ? "KUBE-DST-J2ZHBOJZDMQ6O366"
                              : "inet6:KUBE-DST-5PTHGIN7GOKJO7TI"}});
}

// Comments of the save programs hold the time.
std::string WithoutComments(const std::string& text) {
  std::string kept;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "#")) absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

}  // namespace

void OldNodeTest::SetUp() {
  LabFixture::SetUp();
  if (IsSkipped()) return;
  auto ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  ns_.emplace(*std::move(ns));
}

ProgramResult OldNodeTest::TryTool(std::vector<std::string> argv,
                                   std::string input) {
  Program program;
  program.argv = std::move(argv);
  program.input = std::move(input);
  absl::StatusOr<ProgramResult> result = RunProgram(*ns_, program);
  if (result.ok()) return *std::move(result);
  ADD_FAILURE() << absl::StrJoin(program.argv, " ") << ": " << result.status();
  return {-1, "", ""};
}

std::string OldNodeTest::Tool(std::vector<std::string> argv,
                              std::string input) {
  const std::string line = absl::StrJoin(argv, " ");
  const ProgramResult result = TryTool(std::move(argv), input);
  EXPECT_EQ(result.exit_code, 0) << line << "\n" << result.err << input;
  return result.out;
}

std::string OldNodeTest::Xtables(Family family, Flavour flavour,
                                 absl::string_view step) {
  return absl::StrCat(family == Family::kIPv4 ? "iptables-" : "ip6tables-",
                      FlavourName(flavour), step.empty() ? "" : "-", step);
}

void OldNodeTest::LoadForeign(Flavour flavour) {
  Tool({"ipset", "restore", "-exist"}, kForeignSets);
  for (const Family family : kFamilies) {
    Tool({Xtables(family, flavour, "restore"), "-c"},
         ForFamily(family, kForeignRules));
  }
}

void OldNodeTest::LoadNativeNft() { Tool({"nft", "-f", "-"}, kNativeNft); }

void OldNodeTest::LoadKubeRouterSets() {
  Tool({"ipset", "restore", "-exist"}, absl::StrCat(kForeignSets, kOldSets));
}

void OldNodeTest::LoadKubeRouterRules(Flavour flavour, Family family,
                                      OldLayout layout) {
  const bool behind =
      absl::StrContains(FilterText(family, flavour), "-A FORWARD");
  const std::string text = absl::StrReplaceAll(
      absl::StrCat(kBegin, layout == OldLayout::kV211 ? kTail : "", kEnd),
      {{"$AT", behind ? "2" : "1"}});
  Tool({Xtables(family, flavour, "restore"), "--noflush"},
       ForFamily(family, text));
}

void OldNodeTest::LoadKubeRouter(Flavour flavour, OldLayout layout) {
  LoadKubeRouterSets();
  for (const Family family : kFamilies)
    LoadKubeRouterRules(flavour, family, layout);
}

void OldNodeTest::LoadOurs(Flavour flavour) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/", getpid());
  mkdir(folder.c_str(), 0755);
  std::ofstream(absl::StrCat(folder, "/cluster.yaml")) << kSmallCluster;
  Tool({"netpol/daemon/netpolctl", "apply", "--hostname-override=node-a",
        "--enable-ipv6", absl::StrCat("--manifests=", folder),
        absl::StrCat("--run-lock=", folder, "/run.lock"),
        absl::StrCat("--iptables-backend=", FlavourName(flavour))});
  EXPECT_TRUE(absl::StrContains(FilterText(Family::kIPv6, flavour),
                                "-j KUBE-ROUTER-FORWARD"));
}

void OldNodeTest::Elsewhere(const std::function<void()>& work) {
  auto other = NetNs::Create();
  ASSERT_TRUE(other.ok()) << other.status();
  absl::optional<NetNs> here(*std::move(other));
  ns_.swap(here);
  work();
  ns_.swap(here);
}

void OldNodeTest::LoadKubeRouterNftTables() {
  Tool({"nft", "-f", "-"}, kOldNftTables);
}

std::string OldNodeTest::FilterText(Family family, Flavour flavour) {
  return WithoutComments(
      Tool({Xtables(family, flavour, "save"), "-c", "-t", "filter"}));
}

std::string OldNodeTest::RulesText() {
  std::string text;
  for (const Flavour flavour : kFlavours) {
    for (const Family family : kFamilies) {
      absl::StrAppend(
          &text,
          WithoutComments(Tool({Xtables(family, flavour, "save"), "-c"})));
    }
  }
  // Shows what the save program of this flavour does not.
  return absl::StrCat(text, Tool({"nft", "list", "ruleset"}));
}

std::string OldNodeTest::KernelText() {
  return absl::StrCat(RulesText(), Tool({"ipset", "save", "-sorted"}));
}

std::vector<std::string> OldNodeTest::SetNames() {
  return absl::StrSplit(Tool({"ipset", "list", "-name"}), '\n',
                        absl::SkipEmpty());
}

}  // namespace netpol
