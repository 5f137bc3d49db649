// What people and programs read, letter by letter.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/daemon/kernel_state.h"
#include "netpol/daemon/text_form.h"
#include "netpol/enforcer/json_form.h"
#include "netpol/enforcer/plan_form.h"
#include "netpol/enforcer/sync_summary.h"

namespace netpol {
namespace {

IpAddress Address(const std::string& text) { return *IpAddress::Parse(text); }

v1::SyncSummary Summary() {
  v1::SyncSummary sync;
  sync.set_sets_created(1);
  sync.set_members_added(2);
  sync.set_chains_written(3);
  sync.mutable_kernel_writes()->set_total(4);
  sync.mutable_kernel_writes()->set_set_messages(3);
  sync.mutable_kernel_writes()->set_table_commits(1);
  return sync;
}

v1::ApplyResult Applied() {
  v1::ApplyResult result;
  result.set_namespaces(1);
  result.set_pods(2);
  result.set_local_pods(1);
  result.set_policies(1);
  result.set_sets(3);
  result.set_chains(10);
  result.set_rules(20);
  *result.mutable_sync() = Summary();
  result.set_complete(true);
  return result;
}

TEST(TextFormTest, ApplySaysWhatWasToldEnforcedAndDone) {
  EXPECT_EQ(TextOf(Applied()),
            "told: 1 namespace, 2 pods (1 on this node), 1 network policy\n"
            "enforced: 3 sets, 10 chains, 20 rules\n"
            "done: 1 set created, 2 members added, 3 chains written; kernel "
            "writes: 4 (set messages 3, table commits 1)\n");
}

TEST(TextFormTest, ApplyThatLeftSomethingOutSaysSo) {
  v1::ApplyResult result = Applied();
  result.set_complete(false);
  EXPECT_NE(TextOf(result).find("enforced in part: "), std::string::npos);
}

TEST(TextFormTest, SyncThatDidNothingSaysSo) {
  EXPECT_EQ(TextOf(v1::SyncSummary()),
            "nothing to change; kernel writes: 0 (set messages 0, table "
            "commits 0)");
}

v1::CleanupResult Cleaned() {
  v1::CleanupResult result;
  result.set_found_anything(true);
  result.set_complete(true);
  v1::RemovedTable* table = result.add_tables();
  table->set_flavour("legacy");
  table->set_family("IPv4");
  table->set_table("filter");
  table->set_hooks(3);
  table->add_chains("KUBE-POD-FW-A");
  table->set_rules(2);
  table = result.add_tables();
  table->set_flavour("nft");
  table->set_family("IPv6");
  table->set_table("kube-router-filter-ipv6");
  table->set_whole(true);
  v1::RemovedSets* sets = result.add_sets();
  sets->set_family("IPv4");
  sets->add_names("KUBE-SRC-A");
  result.mutable_kernel_writes()->set_total(3);
  result.mutable_kernel_writes()->set_set_messages(1);
  result.mutable_kernel_writes()->set_table_commits(2);
  return result;
}

TEST(TextFormTest, CleanupTellsRemovedFromNothing) {
  v1::CleanupResult result;
  result.set_complete(true);
  EXPECT_EQ(TextOf(result), "nothing of ours was there\n");
  EXPECT_EQ(TextOf(Cleaned()),
            "removed: legacy IPv4: 3 hooks, 1 chain with 2 rules\n"
            "removed: nft IPv6: table kube-router-filter-ipv6 with all that it "
            "held\n"
            "removed: IPv4: 1 set\n"
            "kernel writes: 3 (set messages 1, table commits 2)\n");
}

TEST(TextFormTest, CleanupThatIsNotCompleteSaysSo) {
  v1::CleanupResult result = Cleaned();
  result.set_complete(false);
  result.mutable_tables(0)->add_kept()->set_name("KUBE-POD-FW-A");
  EXPECT_EQ(TextOf(result),
            "removed: legacy IPv4: 3 hooks, 1 chain with 2 rules; emptied "
            "only: 1 chain\n"
            "removed: nft IPv6: table kube-router-filter-ipv6 with all that it "
            "held\n"
            "removed: IPv4: 1 set\n"
            "not all could be removed\n"
            "kernel writes: 3 (set messages 1, table commits 2)\n");
}

TEST(TextFormTest, CleanupPlanNamesEachThing) {
  v1::CleanupResult result;
  result.set_dry_run(true);
  result.set_complete(true);
  EXPECT_EQ(TextOf(result), "nothing of ours is there\n");
  result = Cleaned();
  result.set_dry_run(true);
  EXPECT_EQ(TextOf(result),
            "- hooks IPv4 (legacy): 3 rules\n"
            "- chain IPv4 (legacy) KUBE-POD-FW-A\n"
            "  with 2 rules\n"
            "- table IPv6 (nft) kube-router-filter-ipv6\n"
            "- set KUBE-SRC-A\n");
}

TEST(TextFormTest, PipelineShowsItsLinesBeforeAndCountsThemAfter) {
  v1::PipelineResult result;
  result.set_dry_run(true);
  v1::PipelineTable* family = result.add_families();
  family->set_family("IPv4");
  family->set_save_program("iptables-save");
  family->set_restore_program("iptables-restore");
  family->add_dropped_lines("-A INPUT -j KUBE-ROUTER-INPUT");
  EXPECT_EQ(TextOf(result),
            "- IPv4 -A INPUT -j KUBE-ROUTER-INPUT\n"
            "IPv4: 1 line of iptables-save would be left out\n");
  result.set_dry_run(false);
  family->set_restored(true);
  EXPECT_EQ(TextOf(result),
            "IPv4: 1 line of iptables-save left out, the rest restored by "
            "iptables-restore\n");
}

TEST(TextFormTest, CheckIsATableWithARemedyBelowWhatIsMissing) {
  v1::CheckResult result;
  auto* there = result.add_findings();
  there->set_name("CAP_NET_ADMIN");
  there->set_ok(true);
  there->set_detail("effective");
  auto* missing = result.add_findings();
  missing->set_name("ipset");
  missing->set_ok(false);
  missing->set_detail("no answer");
  missing->set_remedy("load module ip_set");
  EXPECT_EQ(TextOf(result),
            "ok       CAP_NET_ADMIN  effective\n"
            "missing  ipset          no answer\n"
            "                        → load module ip_set\n");
}

TEST(TextFormTest, ProblemsSayHowBadTheyAre) {
  v1::Problem problem;
  problem.set_text("a.yaml:3: bad");
  problem.set_severity(v1::Problem::NOTICE);
  EXPECT_EQ(ProblemLine(problem), "notice: a.yaml:3: bad\n");
  problem.set_severity(v1::Problem::WARNING);
  EXPECT_EQ(ProblemLine(problem), "warning: a.yaml:3: bad\n");
  problem.set_severity(v1::Problem::ERROR);
  EXPECT_EQ(ProblemLine(problem), "error: a.yaml:3: bad\n");
}

// One policy's chain with its set, and hooks that are gone.
Snapshot SmallSnapshot() {
  Snapshot snapshot;
  Rule rule;
  rule.comment = "web/allow ingress pods";
  rule.matches = {SetMatch{SetName("KUBE-SRC-PEERS"), Side::kSource}};
  rule.action = GotoAction{ChainName("KUBE-NWPLCY-DEFAULT")};
  snapshot.table(Family::kIPv4).hooks_found = 1;
  snapshot.table(Family::kIPv4).chains[ChainName("KUBE-NWPLCY-A")] = {rule};
  ObservedSet& set = snapshot.sets[SetName("KUBE-SRC-PEERS")];
  set.spec.name = SetName("KUBE-SRC-PEERS");
  set.members = {SetMember::Address(Address("10.0.0.2")),
                 SetMember::Address(Address("10.0.0.1"))};
  return snapshot;
}

TEST(TextFormTest, ShowNamesTheOwnerOnEachLine) {
  EXPECT_EQ(TextOf(KernelStateOf(SmallSnapshot(), {Family::kIPv4})),
            "hooks IPv4: not in place, 1 jump found\n"
            "chain IPv4 KUBE-NWPLCY-A  # policy web/allow\n"
            "  -m set --match-set KUBE-SRC-PEERS src -m comment --comment "
            "\"web/allow ingress pods\" -g KUBE-NWPLCY-DEFAULT  # policy "
            "web/allow\n"
            "set KUBE-SRC-PEERS hash:ip IPv4, 2 members  # policy web/allow\n"
            "  10.0.0.1\n"
            "  10.0.0.2\n");
}

TEST(TextFormTest, ManyOwnersAreCounted) {
  v1::KernelState state;
  v1::ShownSet* set = state.add_sets();
  set->set_name("S");
  set->set_type("hash:ip");
  set->set_family("IPv4");
  for (int i = 1; i <= 6; ++i) {
    v1::Owner* owner = set->add_owners();
    owner->set_kind(v1::Owner::POD);
    owner->set_name("n/p" + std::to_string(i));
  }
  EXPECT_EQ(TextOf(state),
            "set S hash:ip IPv4, 0 members  # pod n/p1, pod n/p2, pod n/p3, "
            "pod n/p4, and 2 more\n");
}

TEST(JsonFormTest, ShowHoldsTheSameAsItsText) {
  EXPECT_EQ(JsonOf(KernelStateOf(SmallSnapshot(), {Family::kIPv4})), R"json({
 "tables": [
  {
   "family": "IPv4",
   "hooksInPlace": false,
   "hooksFound": 1,
   "chains": [
    {
     "name": "KUBE-NWPLCY-A",
     "owners": [
      {
       "kind": "NETWORK_POLICY",
       "name": "web/allow"
      }
     ],
     "rules": [
      {
       "text": "-m set --match-set KUBE-SRC-PEERS src -m comment --comment \"web/allow ingress pods\" -g KUBE-NWPLCY-DEFAULT",
       "owners": [
        {
         "kind": "NETWORK_POLICY",
         "name": "web/allow"
        }
       ]
      }
     ]
    }
   ]
  }
 ],
 "sets": [
  {
   "name": "KUBE-SRC-PEERS",
   "type": "hash:ip",
   "family": "IPv4",
   "owners": [
    {
     "kind": "NETWORK_POLICY",
     "name": "web/allow"
    }
   ],
   "memberCount": 2,
   "members": [
    "10.0.0.1",
    "10.0.0.2"
   ],
   "foreignContent": false
  }
 ]
}
)json");
}

TEST(JsonFormTest, WritesAreNumbers) {
  const std::string json = JsonOf(Applied());
  EXPECT_NE(json.find("\"kernelWrites\": {\n"
                      "   \"total\": 4,\n"
                      "   \"setMessages\": 3,\n"
                      "   \"tableCommits\": 1\n"),
            std::string::npos)
      << json;
}

Rule Verdict(Action action) {
  Rule rule;
  rule.action = std::move(action);
  return rule;
}

TEST(PlanFormTest, EmptyPlanIsEmptyLists) {
  EXPECT_EQ(JsonOf(PlanToProto(Plan())), R"json({
 "createSets": [],
 "replaceSets": [],
 "addBefore": [],
 "removeBefore": [],
 "tables": [],
 "addAfter": [],
 "removeAfter": [],
 "destroySets": [],
 "leftovers": []
}
)json");
}

TEST(PlanFormTest, ChainsTellTheRulesThatComeAndGo) {
  Plan plan;
  PlannedTable table;
  table.family = Family::kIPv6;
  table.hooks = HookChange::kEnsure;
  table.chains = {
      {ChainName("KUBE-NWPLCY-A"),
       true,
       true,
       {Verdict(AcceptAction{}), Verdict(DropAction{})},
       {Verdict(AcceptAction{}), Verdict(ReturnAction{})}},
      {ChainName("KUBE-NWPLCY-B"), true, false, {}, {}},
      {ChainName("KUBE-NWPLCY-C"), false, true, {}, {}},
  };
  plan.tables = {table};
  plan.add_before = {{SetSpec{SetName("KUBE-SRC-A")},
                      {SetMember::Address(Address("10.0.0.1"))}}};
  plan.destroy_sets = {SetName("KUBE-SRC-B")};
  EXPECT_EQ(PlanToProto(plan).DebugString(), R"text(add_before {
  name: "KUBE-SRC-A"
  type: "hash:ip"
  family: "IPv4"
  members: "10.0.0.1"
}
tables {
  family: "IPv6"
  chains {
    name: "KUBE-NWPLCY-A"
    change: CHANGED
    removed_rules: "-j DROP"
    added_rules: "-j RETURN"
  }
  chains {
    name: "KUBE-NWPLCY-B"
    change: DELETED
  }
  chains {
    name: "KUBE-NWPLCY-C"
    change: CREATED
  }
  hooks: ENSURED
}
destroy_sets: "KUBE-SRC-B"
)text");
}

}  // namespace
}  // namespace netpol
