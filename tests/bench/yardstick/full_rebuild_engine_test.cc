// The yardstick in the real kernel: what it writes is kube-router's layout, and
// packets meet it as policies say.
#include "bench/yardstick/full_rebuild_engine.h"

#include <netinet/in.h>

#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

k8s::Pod Web() {
  return PodBuilder("shop", "web-0")
      .On("here")
      .Ip("10.42.0.10")
      .Label("app", "web")
      .Port("http", 8080)
      .Phase("Running")
      .Build();
}

k8s::Pod Db() {
  return PodBuilder("shop", "db-0")
      .On("here")
      .Ip("10.42.0.11")
      .Label("app", "db")
      .Phase("Running")
      .Build();
}

k8s::Pod RemoteProbe() {
  return PodBuilder("ops", "probe")
      .On("elsewhere")
      .Ip("10.42.1.7")
      .Label("app", "probe")
      .Phase("Running")
      .Build();
}

k8s::NetworkPolicy WebIn() {
  return PolicyBuilder("shop", "web-in")
      .Selects({{"app", "web"}})
      .Types({"Ingress"})
      .Ingress({PodInNamespacePeer(MatchLabels({{"team", "ops"}}),
                                   MatchLabels({{"app", "probe"}}))},
               {NumberPort("TCP", 80), RangePort("TCP", 8000, 8010),
                ProtocolPort("UDP"), NamePort("TCP", "http")})
      .Build();
}

k8s::NetworkPolicy DbOut() {
  return PolicyBuilder("shop", "db-out")
      .Selects({{"app", "db"}})
      .Types({"Ingress", "Egress"})
      .Egress({BlockPeer("198.51.100.0/24", {"198.51.100.5/32"})},
              {NumberPort("TCP", 443)})
      .Build();
}

Cluster ShopWith(std::vector<k8s::Pod> pods,
                 std::vector<k8s::NetworkPolicy> policies) {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("shop"),
                        MakeNamespace("ops", {{"team", "ops"}})};
  cluster.pods = std::move(pods);
  cluster.policies = std::move(policies);
  return cluster;
}

class FullRebuildEngineTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    FullRebuildOptions options;
    options.node_name = "here";
    options.cluster_ip_ranges = {"10.43.0.0/16"};
    absl::StatusOr<std::unique_ptr<FullRebuildEngine>> engine =
        FullRebuildEngine::Create(std::move(options));
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  void Tell(const Cluster& cluster) {
    for (const v1::WatchEvent& event : ListingOf(cluster)) {
      engine_->OnEvent(event);
    }
  }

  void Sync() {
    absl::Status synced;
    const absl::Status ran = lab_->RunOnNode([&] { synced = engine_->Sync(); });
    ASSERT_TRUE(ran.ok()) << ran;
    ASSERT_TRUE(synced.ok()) << synced;
  }

  // What the program says, without comments.
  std::vector<std::string> Read(const std::vector<std::string>& argv) {
    const absl::StatusOr<ProgramResult> result =
        lab_->ExecOnNode({.argv = argv});
    if (!result.ok() || result->exit_code != 0) {
      ADD_FAILURE() << argv[0] << " failed";
      return {};
    }
    std::vector<std::string> lines;
    for (absl::string_view line : absl::StrSplit(result->out, '\n')) {
      if (!line.empty() && line[0] != '#') lines.emplace_back(line);
    }
    return lines;
  }

  // Rules of the filter table, with "*" for the part of a chain's name that is
  // new at every sync.
  std::vector<std::string> Rules() {
    static const std::regex kVersioned(
        "(KUBE-POD-FW|KUBE-NWPLCY)-[A-Z2-7]{16}");
    std::vector<std::string> rules;
    for (const std::string& line : Read({"iptables-legacy-save"})) {
      if (!absl::StartsWith(line, "-A ")) continue;
      rules.push_back(std::regex_replace(line.substr(3), kVersioned, "$1-*"));
    }
    return rules;
  }

  // Of all chains, or of those of `chain` with its name taken off.
  std::vector<std::string> RulesOf(const std::string& chain) {
    std::vector<std::string> rules;
    for (const std::string& rule : Rules()) {
      if (absl::StartsWith(rule, chain + " ")) {
        rules.push_back(rule.substr(chain.size() + 1));
      }
    }
    return rules;
  }

  std::vector<std::string> VersionedChains() {
    std::vector<std::string> chains;
    for (const std::string& line : Read({"iptables-legacy-save"})) {
      static const std::regex kVersioned(
          ":(KUBE-POD-FW|KUBE-NWPLCY)-[A-Z2-7]{16} - .*");
      if (std::regex_match(line, kVersioned)) chains.push_back(line);
    }
    return chains;
  }

  void ExpectOutcome(absl::string_view from, absl::string_view to,
                     uint8_t protocol, uint16_t port, ProbeOutcome outcome) {
    const absl::StatusOr<ProbeOutcome> found =
        lab_->ProbeOne({Ip(from), Ip(to), protocol, port});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, outcome) << from << " to " << to << " port " << port;
  }

  std::unique_ptr<PacketLab> lab_;
  std::unique_ptr<FullRebuildEngine> engine_;
};

// Comment and rule as iptables-legacy-save writes them.
std::string Said(absl::string_view comment, absl::string_view rest) {
  return absl::StrCat("-m comment --comment \"", comment, "\" ", rest);
}

constexpr char kToTail[] =
    "-m comment --comment \"rule to explicitly handle traffic for network "
    "policies ACCEPT/REJECT decision\" -j KUBE-NWPLCY-TAIL";
constexpr char kAcceptMarked[] =
    "-m comment --comment \"rule to explicitly ACCEPT traffic that comply to "
    "network policies\" -m mark --mark 0x20000/0x20000 -j ACCEPT";

TEST_F(FullRebuildEngineTest, HooksAndExemptionsHaveTheOriginalsIds) {
  Sync();
  EXPECT_THAT(RulesOf("INPUT"),
              ElementsAreArray({Said("kube-router netpol - 4IA2OSFRMVNDXBVV",
                                     "-j KUBE-ROUTER-INPUT")}));
  EXPECT_THAT(RulesOf("FORWARD"),
              ElementsAreArray({Said("kube-router netpol - TEMCG2JMHZYE7H7T",
                                     "-j KUBE-ROUTER-FORWARD")}));
  EXPECT_THAT(RulesOf("OUTPUT"),
              ElementsAreArray({Said("kube-router netpol - VEAAIY32XVBHCSCY",
                                     "-j KUBE-ROUTER-OUTPUT")}));
  const std::string ports =
      "-m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 "
      "-j RETURN";
  EXPECT_THAT(
      RulesOf("KUBE-ROUTER-INPUT"),
      ElementsAreArray(
          {"-d 10.43.0.0/16 " +
               Said("allow traffic to primary/secondary cluster IP range - "
                    "EKROEGTNIJ3AP3LC",
                    "-j RETURN"),
           "-p tcp " + Said("allow LOCAL TCP traffic to node ports - "
                            "LR7XO7NXDBGQJD2M",
                            ports),
           "-p udp " + Said("allow LOCAL UDP traffic to node ports - "
                            "76UCBPIZNGJNWNUZ",
                            ports),
           "-p sctp " + Said("allow LOCAL SCTP traffic to node ports - "
                             "YU47VQ3DEDE3VDG7",
                             ports),
           std::string(kToTail), std::string(kAcceptMarked)}));
}

TEST_F(FullRebuildEngineTest, EveryPodChainIsEnteredTwiceForBridgedPackets) {
  Tell(ShopWith({Web(), RemoteProbe()}, {}));
  Sync();
  const std::string in = Said("shop/web-0 in", "-j KUBE-POD-FW-*");
  const std::string out = Said("shop/web-0 out", "-j KUBE-POD-FW-*");
  const std::string bridged = "-m physdev --physdev-is-bridged ";
  EXPECT_THAT(
      RulesOf("KUBE-ROUTER-FORWARD"),
      ElementsAreArray(
          {"-d 10.42.0.10/32 " + in, "-d 10.42.0.10/32 " + bridged + in,
           "-s 10.42.0.10/32 " + out, "-s 10.42.0.10/32 " + bridged + out,
           std::string(kToTail), std::string(kAcceptMarked)}));
  EXPECT_THAT(
      RulesOf("KUBE-ROUTER-OUTPUT"),
      ElementsAreArray({"-d 10.42.0.10/32 " + in, "-s 10.42.0.10/32 " + out,
                        std::string(kToTail), std::string(kAcceptMarked)}));
  EXPECT_THAT(RulesOf("KUBE-ROUTER-INPUT"),
              Contains("-s 10.42.0.10/32 " + out));
}

TEST_F(FullRebuildEngineTest, PodChainsMarkAndRefuseAsTheOriginalsDo) {
  Tell(ShopWith({Web(), RemoteProbe()}, {WebIn()}));
  Sync();
  const std::string unmarked = "-m mark ! --mark 0x10000/0x10000 ";
  EXPECT_THAT(
      RulesOf("KUBE-POD-FW-*"),
      ElementsAreArray(
          {Said("common netpol rules", "-j KUBE-NWPLCY-COMMON"),
           "-d 10.42.0.10/32 " + Said("from local node",
                                      "-m addrtype --src-type LOCAL -j ACCEPT"),
           "-s 10.42.0.10/32 " +
               Said("default egress", "-j KUBE-NWPLCY-DEFAULT"),
           "-d 10.42.0.10/32 " + Said("shop/web-in policy", "-j KUBE-NWPLCY-*"),
           Said("shop/web-0 log-drop",
                unmarked + "-m limit --limit 10/min --limit-burst 10 -j NFLOG "
                           "--nflog-group 100"),
           Said("shop/web-0 reject",
                unmarked + "-j REJECT --reject-with icmp-port-unreachable"),
           std::string("-j MARK --set-xmark 0x0/0x10000"),
           Said("set netpol-ok mark", "-j MARK --set-xmark 0x20000/0x20000")}));
  EXPECT_THAT(
      RulesOf("KUBE-NWPLCY-DEFAULT"),
      ElementsAreArray({Said("rule to mark traffic matching a network policy",
                             "-j MARK --set-xmark 0x10000/0x10000")}));
  EXPECT_THAT(
      RulesOf("KUBE-NWPLCY-TAIL"),
      ElementsAreArray({Said("accept netpol-ok",
                             "-m mark --mark 0x20000/0x20000 -j ACCEPT")}));
}

TEST_F(FullRebuildEngineTest, CommonRulesKeepTheirQuotationMarks) {
  Sync();
  const std::vector<std::string> rules = RulesOf("KUBE-NWPLCY-COMMON");
  ASSERT_THAT(rules, SizeIs(5));
  EXPECT_EQ(rules[0], Said("\\\"rule to drop invalid state for pod\\\"",
                           "-m conntrack --ctstate INVALID -j DROP"));
  EXPECT_EQ(rules[1],
            Said("\\\"rule for stateful firewall for pod\\\"",
                 "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"));
  EXPECT_EQ(rules[2], "-p icmp " + Said("allow icmp echo requests",
                                        "-m icmp --icmp-type 8 -j ACCEPT"));
}

TEST_F(FullRebuildEngineTest, EveryAllowanceOfAPolicyIsAPairOfRules) {
  Tell(ShopWith({Web(), RemoteProbe()}, {WebIn()}));
  Sync();
  const std::string from =
      "-m set --match-set KUBE-SRC-OCLNJZ3YTXPYP73J src -m set --match-set ";
  const std::string targets = "KUBE-DST-7I7NKTJLX3OH6WLS dst ";
  const std::string named = "KUBE-DST-MIVLM5EFSHQGTIOW dst ";
  std::vector<std::string> expected;
  const auto add = [&](const std::string& protocol, const std::string& tag,
                       const std::string& match) {
    const std::string rule =
        absl::StrCat("-p ", protocol, " ", Said("shop/web-in " + tag, match));
    expected.push_back(rule + "-j MARK --set-xmark 0x10000/0x10000");
    expected.push_back(rule + "-m mark --mark 0x10000/0x10000 -j RETURN");
  };
  add("tcp", "ingress pods", from + targets + "-m tcp --dport 80 ");
  add("tcp", "ingress pods", from + targets + "-m tcp --dport 8000:8010 ");
  add("udp", "ingress pods", from + targets);
  add("tcp", "ingress pods np", from + named + "-m tcp --dport 8080 ");
  EXPECT_THAT(RulesOf("KUBE-NWPLCY-*"), ElementsAreArray(expected));
  EXPECT_THAT(Read({"ipset", "save"}),
              testing::IsSupersetOf(
                  {"add KUBE-SRC-OCLNJZ3YTXPYP73J 10.42.1.7 timeout 0",
                   "add KUBE-DST-7I7NKTJLX3OH6WLS 10.42.0.10 timeout 0",
                   "add KUBE-DST-MIVLM5EFSHQGTIOW 10.42.0.10 timeout 0"}));
}

TEST_F(FullRebuildEngineTest, PoliciesOfOtherNodesAreProgrammedToo) {
  const k8s::NetworkPolicy elsewhere =
      PolicyBuilder("ops", "closed").Types({"Ingress"}).Build();
  Tell(ShopWith({RemoteProbe()}, {elsewhere}));
  Sync();
  EXPECT_THAT(VersionedChains(), SizeIs(1));
  EXPECT_EQ(engine_->report().local_pods, 0);
  EXPECT_EQ(engine_->report().sets, 1);
}

TEST_F(FullRebuildEngineTest, ASyncWithoutChangeReplacesEveryChain) {
  Tell(ShopWith({Web(), Db(), RemoteProbe()}, {WebIn(), DbOut()}));
  Sync();
  const std::vector<std::string> rules = Rules();
  const std::vector<std::string> chains = VersionedChains();
  const std::vector<std::string> sets = Read({"ipset", "save"});
  Sync();
  EXPECT_THAT(Rules(), testing::UnorderedElementsAreArray(rules));
  EXPECT_THAT(VersionedChains(), SizeIs(4));
  for (const std::string& chain : chains) {
    EXPECT_THAT(VersionedChains(), Not(Contains(chain)));
  }
  EXPECT_EQ(Read({"ipset", "save", "-sorted"}).size(), sets.size());
  // 28 looks at the top level, save and restore, three times ipset.
  EXPECT_EQ(engine_->report().commands, 33);
}

TEST_F(FullRebuildEngineTest, WhatIsGoneLeavesNothingAndOthersRulesStay) {
  Read({"iptables-legacy", "-A", "FORWARD", "-s", "192.0.2.1", "-j", "DROP"});
  Read({"ipset", "create", "FOREIGN", "hash:ip"});
  Tell(ShopWith({Web(), RemoteProbe()}, {WebIn()}));
  Sync();
  engine_->OnEvent(Delete(WebIn()));
  engine_->OnEvent(Delete(Web()));
  Sync();
  EXPECT_THAT(VersionedChains(), testing::IsEmpty());
  EXPECT_THAT(RulesOf("FORWARD"), Contains("-s 192.0.2.1/32 -j DROP"));
  const std::vector<std::string> sets = Read({"ipset", "save"});
  EXPECT_THAT(sets, ElementsAreArray({HasSubstr("create FOREIGN ")}));
}

TEST_F(FullRebuildEngineTest, PacketsMeetWhatThePoliciesSay) {
  ASSERT_TRUE(lab_->AddPod("web-0", {Ip("10.42.0.10")}).ok());
  ASSERT_TRUE(lab_->AddPod("db-0", {Ip("10.42.0.11")}).ok());
  ASSERT_TRUE(lab_->AddRemote({Ip("10.42.1.7"), Ip("192.0.2.9"),
                               Ip("198.51.100.5"), Ip("198.51.100.9")})
                  .ok());
  Tell(ShopWith({Web(), Db(), RemoteProbe()}, {WebIn(), DbOut()}));
  Sync();
  constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
  constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;
  const std::string probe = "10.42.1.7", web = "10.42.0.10", db = "10.42.0.11";
  for (uint16_t port : {80, 8005, 8080}) {
    ExpectOutcome(probe, web, IPPROTO_TCP, port, kAllowed);
  }
  ExpectOutcome(probe, web, IPPROTO_TCP, 81, kRejected);
  ExpectOutcome(probe, web, IPPROTO_UDP, 81, kAllowed);
  ExpectOutcome("192.0.2.9", web, IPPROTO_TCP, 80, kRejected);
  ExpectOutcome("192.0.2.9", web, IPPROTO_ICMP, 0, kAllowed);
  ExpectOutcome("172.31.0.1", web, IPPROTO_TCP, 81, kAllowed);
  ExpectOutcome(web, probe, IPPROTO_TCP, 81, kAllowed);
  ExpectOutcome(db, "198.51.100.9", IPPROTO_TCP, 443, kAllowed);
  ExpectOutcome(db, "198.51.100.9", IPPROTO_TCP, 80, kRejected);
  ExpectOutcome(db, "198.51.100.5", IPPROTO_TCP, 443, kRejected);
  ExpectOutcome(probe, db, IPPROTO_TCP, 80, kRejected);

  engine_->OnEvent(Delete(WebIn()));
  Sync();
  ExpectOutcome(probe, web, IPPROTO_TCP, 82, kAllowed);
}

TEST_F(FullRebuildEngineTest, BothFamiliesHaveTheirOwnRulesAndSets) {
  absl::StatusOr<std::unique_ptr<FullRebuildEngine>> engine =
      FullRebuildEngine::Create(FullRebuildOptions{
          .node_name = "here", .families = {Family::kIPv4, Family::kIPv6}});
  ASSERT_TRUE(engine.ok()) << engine.status();
  engine_ = *std::move(engine);
  k8s::Pod web = Web();
  web.mutable_status()->add_pod_ips()->set_ip("fd00:42::a");
  Tell(ShopWith({web, RemoteProbe()}, {WebIn()}));
  Sync();
  const std::vector<std::string> rules = Read({"ip6tables-legacy-save"});
  EXPECT_THAT(rules, Contains(HasSubstr("-d fd00:42::a/128 -m comment "
                                        "--comment \"shop/web-in policy\"")));
  EXPECT_THAT(rules, Contains(HasSubstr("icmp6-port-unreachable")));
  EXPECT_THAT(Read({"ipset", "save"}),
              Contains(testing::AllOf(HasSubstr("add inet6:KUBE-DST-"),
                                      HasSubstr(" fd00:42::a "))));
}

TEST_F(FullRebuildEngineTest, AnErrorNamesTheProgramAndWhatItSaid) {
  k8s::NetworkPolicy policy = WebIn();
  policy.mutable_spec()->mutable_ingress(0)->mutable_ports(0)->set_protocol(
      "NONSENSE");
  Tell(ShopWith({Web(), RemoteProbe()}, {policy}));
  absl::Status synced;
  ASSERT_TRUE(lab_->RunOnNode([&] { synced = engine_->Sync(); }).ok());
  EXPECT_THAT(synced.message(), HasSubstr("iptables-legacy-restore"));
  EXPECT_THAT(std::string(synced.message()), HasSubstr("nonsense"));
}

TEST(FullRebuildEngineOptionsTest, ANodeNameAndSoundRangesAreAskedFor) {
  EXPECT_EQ(FullRebuildEngine::Create("").status().code(),
            absl::StatusCode::kInvalidArgument);
  FullRebuildOptions options;
  options.node_name = "here";
  options.cluster_ip_ranges = {"10.43.0.0"};
  EXPECT_EQ(FullRebuildEngine::Create(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace netpol
