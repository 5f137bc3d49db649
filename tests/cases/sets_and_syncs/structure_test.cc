// What the rules and sets of a case are made of, beyond its verdicts.
#include <netinet/in.h>

#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const IpAddress kNodeAddress = *IpAddress::Parse("172.31.0.1");

template <typename M>
const M* FindMatch(const Rule& rule) {
  for (const Match& match : rule.matches) {
    if (const M* found = absl::get_if<M>(&match)) return found;
  }
  return nullptr;
}

size_t CountRules(const Snapshot& snapshot) {
  size_t rules = 0;
  ForEachRule(snapshot,
              [&](Family, const ChainName&, const Rule&) { ++rules; });
  return rules;
}

// "ingress" rules of a policy in IPv4.
std::vector<Rule> PolicyRules(const Snapshot& snapshot, const ObjectKey& key) {
  const auto& chains = snapshot.table(Family::kIPv4).chains;
  const auto found =
      chains.find(PolicyChain(key, Direction::kIngress, Family::kIPv4));
  EXPECT_NE(found, chains.end()) << "no chain of " << key;
  return found == chains.end() ? std::vector<Rule>() : found->second;
}

// Whether a rule or a member speaks of `address`.
bool Occurs(const Snapshot& snapshot, const IpAddress& address) {
  const IpPrefix host = IpPrefix::Host(address);
  bool occurs = false;
  for (const auto& [name, set] : snapshot.sets) {
    for (const SetMember& member : set.members)
      occurs = occurs || member.prefix == host;
  }
  ForEachRule(snapshot, [&](Family, const ChainName&, const Rule& rule) {
    occurs = occurs || rule.source == host || rule.destination == host;
  });
  return occurs;
}

class StructureTest : public testing::Test {
 protected:
  void Follow(absl::string_view case_id) { node_.Follow(StepsOf(case_id)); }

  k8s::Pod PodOf(absl::string_view name) const {
    for (const k8s::Pod& pod : node_.cluster().pods) {
      if (pod.metadata().name() == name) return pod;
    }
    ADD_FAILURE() << "there is no pod " << name;
    return {};
  }

  MemoryNode node_;
};

TEST_F(StructureTest, C001RuleKeepsItsSourceMatchWithoutMembers) {
  const std::vector<CaseStep> steps = StepsOf("C001");
  node_.Follow(steps);
  ASSERT_EQ(steps.size(), 3u);
  const Snapshot state = node_.state();
  for (const k8s::NetworkPolicy& policy : node_.cluster().policies) {
    const std::vector<Rule> rules = PolicyRules(
        state, {policy.metadata().namespace_(), policy.metadata().name()});
    EXPECT_THAT(rules, Not(IsEmpty()));
    for (const Rule& rule : rules) {
      const SetMatch* peers = FindMatch<SetMatch>(rule);
      ASSERT_NE(peers, nullptr) << rule << " lets everybody in";
      EXPECT_THAT(state.sets.at(peers->set).members, IsEmpty());
    }
  }
}

TEST_F(StructureTest, C028EntriesOfSctpPortsHaveTheProtocolsNumber) {
  Follow("C028");
  std::vector<std::string> entries;
  for (const auto& [name, set] : node_.state().sets) {
    if (set.spec.type != SetType::kHashIpPort) continue;
    for (const SetMember& member : set.members) {
      EXPECT_EQ(member.protocol, IPPROTO_SCTP);
      EXPECT_EQ(member.port, 36412);
      entries.push_back(member.ToString());
    }
  }
  EXPECT_EQ(entries.size(), 1u) << "the named port of one pod";
}

// The figures of C030 with each range ending at `last`.
struct Costs {
  size_t members = 0;
  size_t rules = 0;
  size_t sets = 0;
  uint64_t writes = 0;

  friend bool operator==(const Costs& a, const Costs& b) {
    return a.members == b.members && a.rules == b.rules && a.sets == b.sets &&
           a.writes == b.writes;
  }
  friend std::ostream& operator<<(std::ostream& os, const Costs& costs) {
    return os << costs.members << " members of peers, " << costs.rules
              << " rules, " << costs.sets << " sets, " << costs.writes
              << " writes";
  }
};

Costs CostsOfRanges(Cluster cluster, int last) {
  for (k8s::NetworkPolicy& policy : cluster.policies) {
    for (auto& rule : *policy.mutable_spec()->mutable_ingress()) {
      for (auto& port : *rule.mutable_ports()) {
        port = RangePort(port.protocol(), 1, last);
      }
    }
  }
  MemoryNode node;
  node.Tell(ListingOf(cluster));
  const SyncReport report = node.Sync();
  return {PeerMembers(node.state()), CountRules(node.state()),
          node.state().sets.size(), report.writes.total()};
}

TEST_F(StructureTest, C030CostsDoNotGrowWithTheWidthOfARange) {
  Follow("C030");
  const Costs narrow = CostsOfRanges(node_.cluster(), 2);
  std::cout << narrow << "\n";
  for (int last : {3, 100, 32768, 65534, 65535}) {
    EXPECT_EQ(CostsOfRanges(node_.cluster(), last), narrow)
        << "up to port " << last;
  }
}

TEST_F(StructureTest, C030AllSetsTogetherHaveFewerThanTenEntries) {
  Follow("C030");
  size_t entries = 0;
  for (const auto& [name, set] : node_.state().sets)
    entries += set.members.size();
  EXPECT_GT(entries, 0u);
  EXPECT_LT(entries, 10u);
}

TEST_F(StructureTest, C030EntriesGrowWithThePeersByOneEach) {
  Follow("C030");
  const size_t before = PeerMembers(node_.state());
  for (int i = 1; i <= 5; ++i) {
    node_.Tell(Upsert(PodBuilder("wide", absl::StrCat("more-", i))
                          .On("node-b")
                          .Ip(absl::StrCat("10.42.2.", i))
                          .Phase("Running")
                          .Build()));
    node_.Sync();
    EXPECT_EQ(PeerMembers(node_.state()), before + i);
  }
}

TEST_F(StructureTest, C031NoMultiportMatchHasMoreThanFifteenValues) {
  Follow("C031");
  std::set<std::pair<int, int>> covered;  // protocol, port
  ForEachRule(node_.state(),
              [&](Family, const ChainName& chain, const Rule& rule) {
                const PortsMatch* ports = FindMatch<PortsMatch>(rule);
                if (ports == nullptr) return;
                int values = 0;
                for (const PortRange& range : ports->ranges) {
                  values += range.first == range.last ? 1 : 2;
                  for (int port = range.first; port <= range.last; ++port)
                    if (chain != ChainName(kInputChain))
                      covered.emplace(*rule.protocol, port);
                }
                EXPECT_LE(values, PortsMatch::kMaxSlots) << rule;
              });
  EXPECT_EQ(PortsMatch::kMaxSlots, 15) << "XT_MULTI_PORTS";
  EXPECT_EQ(covered.size(), 20u + 3u + 2u * 11u)
      << "the ports of the policy, each of them";
}

TEST_F(StructureTest, C040AllowanceOfTheOtherFamilyOpensNothing) {
  Follow("C040");
  const auto rules = [this](Family family) {
    const Snapshot state = node_.state();
    return state.table(family).chains.at(
        PolicyChain({"v4", "only6"}, Direction::kEgress, family));
  };
  EXPECT_THAT(rules(Family::kIPv4), IsEmpty());
}

TEST_F(StructureTest, C040BlocksOfAFamilyThatIsNotInUseCostOnlyThemselves) {
  LayoutOptions layout = CaseLayout();
  layout.families = {Family::kIPv4};
  layout.cluster_ip_ranges.pop_back();
  MemoryNode node(layout);
  const std::vector<CaseStep> steps = StepsOf("C040");
  node.Follow(steps);
  node.ExpectVerdicts(steps.back().checks);
  EXPECT_THAT(node.contents(), Not(HasSubstr("2001:db8")));
  EXPECT_THAT(node.contents(), HasSubstr("198.51.100.0/24"));
}

TEST_F(StructureTest, C045FinishedPodHasNoChainAndLeavesNoTrace) {
  Follow("C045");
  const ObjectKey finished{"jobs", "nightly-1"};
  const auto has_chain = [&](Direction direction) {
    const Snapshot state = node_.state();
    return state.table(Family::kIPv4)
               .chains.count(PodChain(finished, direction, Family::kIPv4)) > 0;
  };
  const std::string without =
      FreshContents(Without(node_.cluster(), "jobs/nightly-1"));
  EXPECT_THAT(without, Not(HasSubstr("nightly")));
  // Also when it is the younger pod of its address, and however it ended.
  k8s::Pod pod = PodOf("nightly-1");
  for (const char* phase : {"Succeeded", "Failed"}) {
    for (const int64_t created : {0, 2000000000}) {
      pod.mutable_status()->set_phase(phase);
      pod.mutable_metadata()->mutable_creation_timestamp()->set_seconds(
          created);
      node_.Tell(Upsert(pod));
      node_.Sync();
      EXPECT_EQ(node_.contents(), without) << phase << " since " << created;
      for (Direction direction : kDirections)
        EXPECT_FALSE(has_chain(direction));
    }
  }
  pod.mutable_status()->set_phase("Running");
  node_.Tell(Upsert(pod));
  node_.Sync();
  for (Direction direction : kDirections)
    EXPECT_TRUE(has_chain(direction)) << "a running pod has them";
}

TEST_F(StructureTest, C048PodWithoutAddressLeavesNoTrace) {
  Follow("C048");
  EXPECT_THAT(node_.contents(), Not(HasSubstr("pend/wait")));
  EXPECT_EQ(node_.contents(),
            FreshContents(Without(node_.cluster(), "pend/wait")));
  k8s::Pod started = PodOf("wait");
  started.mutable_status()->add_pod_ips()->set_ip("10.42.0.114");
  started.mutable_status()->set_phase("Running");
  node_.Tell(Upsert(started));
  node_.Sync();
  EXPECT_THAT(node_.contents(), HasSubstr("pend/wait"));
}

TEST_F(StructureTest, C048RulesThatLeadToAPodNameItsAddress) {
  Follow("C048");
  std::set<ChainName> pod_chains;
  for (const k8s::Pod& pod : node_.cluster().pods) {
    for (Direction direction : kDirections) {
      pod_chains.insert(
          PodChain({pod.metadata().namespace_(), pod.metadata().name()},
                   direction, Family::kIPv4));
    }
  }
  int jumps = 0;
  ForEachRule(
      node_.state(), [&](Family family, const ChainName&, const Rule& rule) {
        const ChainName* target = TargetChain(rule);
        if (target == nullptr || pod_chains.count(*target) == 0) return;
        ++jumps;
        EXPECT_TRUE(rule.source.has_value() || rule.destination.has_value())
            << rule.ToString(family) << " takes every packet";
      });
  EXPECT_EQ(jumps, 1) << "pend/t, for ingress";
}

TEST_F(StructureTest, C054AddressOfTheNodeIsInNoSetAndNoRule) {
  Follow("C054");
  EXPECT_FALSE(Occurs(node_.state(), kNodeAddress)) << node_.contents();
  EXPECT_TRUE(Occurs(node_.state(), *IpAddress::Parse("10.42.0.120")))
      << "the ordinary pod";
  EXPECT_EQ(node_.contents(),
            FreshContents(Without(node_.cluster(), "kube-system/apiserver")));
  k8s::Pod ordinary = PodOf("apiserver");
  ordinary.mutable_spec()->set_host_network(false);
  node_.Tell(Upsert(ordinary));
  node_.Sync();
  EXPECT_TRUE(Occurs(node_.state(), kNodeAddress))
      << "were it not on the host's network";
}

TEST_F(StructureTest, C102TwoPoliciesOfOneGluedNameShareNoChain) {
  Follow("C102");
  std::set<ChainName> chains;
  for (const k8s::NetworkPolicy& policy : node_.cluster().policies) {
    const ObjectKey key{policy.metadata().namespace_(),
                        policy.metadata().name()};
    const ChainName chain =
        PolicyChain(key, Direction::kIngress, Family::kIPv4);
    EXPECT_EQ(node_.state().table(Family::kIPv4).chains.count(chain), 1u)
        << key;
    EXPECT_TRUE(chains.insert(chain).second) << key << " has no own chain";
  }
  EXPECT_EQ(chains.size(), 2u);
}

}  // namespace
}  // namespace netpol
