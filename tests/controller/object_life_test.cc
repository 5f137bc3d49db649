// Bursts of events about the life of pods, namespaces and nodes, in every
// order: the end is that of a fresh start, and its verdicts are the API's.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

PodBuilder Pod(absl::string_view name, absl::string_view app,
               absl::string_view ns = "shop") {
  return PodBuilder(ns, name).On("node-a").Label("app", app);
}

// Web takes from app=client of its namespace and from team=ops; nobody else.
Cluster Base() {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("shop"), MakeNamespace("ops")};
  cluster.pods = {
      Pod("web", "web").Ip("10.42.0.5").Ip("fd00:42::5").Uid("w").Build(),
      Pod("client", "client").Ip("10.42.0.6").Uid("c").Build(),
      PodBuilder("shop", "far").On("node-b").Ip("10.42.1.6").Build(),
      Pod("tool", "tool", "ops").Ip("10.42.0.7").Uid("t").Build()};
  cluster.policies = {
      PolicyBuilder("shop", "web-in")
          .Selects(LabelList{{"app", "web"}})
          .Types({"Ingress"})
          .Ingress({PodPeer(MatchLabels({{"app", "client"}})),
                    NamespacePeer(MatchLabels({{"team", "ops"}}))})
          .Build(),
      PolicyBuilder("shop", "client-out")
          .Selects(LabelList{{"app", "client"}})
          .Types({"Egress"})
          .Egress({PodPeer(MatchLabels({{"app", "web"}}))},
                  {NamePort("TCP", "http")})
          .Build()};
  cluster.nodes = {NodeBuilder("node-a")
                       .Address("172.31.0.1")
                       .PodCidr("10.42.0.0/24")
                       .Build()};
  return cluster;
}

// Every way between the addresses of the tests. Empty if all verdicts are
// right.
std::string FirstWrongVerdict(SimulatedNode& node, const Cluster& cluster) {
  const auto simulator = PacketSimulator::Create(node.kernel().state());
  if (!simulator.ok()) return std::string(simulator.status().message());
  const std::vector<std::string> addresses = {
      "10.42.0.5", "10.42.0.6", "10.42.0.7", "10.42.0.8",
      "10.42.1.6", "192.0.2.9", "172.31.0.1"};
  NodeView view{.name = "node-a"};
  view.addresses = {*IpAddress::Parse("172.31.0.1")};
  for (const std::string& from : addresses) {
    for (const std::string& to : addresses) {
      if (from == to) continue;
      for (uint16_t port : {80, 8080}) {
        const Packet packet = {*IpAddress::Parse(from), *IpAddress::Parse(to),
                               IPPROTO_TCP, port};
        const Verdict verdict = Evaluate(cluster, view, packet);
        if (LetsThrough(*simulator, view, packet) != verdict.allowed) {
          return absl::StrCat(from, " to ", to, " port ", port, ": ",
                              verdict.reason);
        }
      }
    }
  }
  return "";
}

struct LifeCase {
  std::string name;
  std::vector<v1::WatchEvent> burst;
};

PodBuilder WebAnew() {
  return Pod("web", "web").Ip("10.42.0.8").Uid("w2").Created(100);
}

std::vector<LifeCase> Cases() {
  const PodBuilder web = Pod("web", "web").Uid("w");
  const PodBuilder heir =
      Pod("heir", "client").Ip("10.42.0.5").Uid("h").Created(200);
  const PodBuilder port =
      Pod("web", "web").Ip("10.42.0.5").Uid("w").Port("http", 8080);
  return {
      {"AddressComes",
       {Upsert(web.Build()), Upsert(PodBuilder(web).Ip("10.42.0.8").Build())}},
      {"AddressChangesAndPortAppears",
       {Upsert(PodBuilder(web).Ip("10.42.0.8").Build()), Upsert(port.Build()),
        Upsert(PodBuilder(web).Ip("10.42.0.8").Port("http", 8080).Build())}},
      {"LabelsChange",
       {Upsert(Pod("web", "client").Ip("10.42.0.5").Uid("w").Build()),
        Upsert(Pod("client", "web").Ip("10.42.0.6").Uid("c").Build()),
        Delete(PolicyBuilder("shop", "client-out").Build())}},
      {"PhaseChanges",
       {Upsert(PodBuilder(web).Ip("10.42.0.5").Phase("Succeeded").Build()),
        Upsert(PodBuilder(web).Ip("10.42.0.5").Phase("Running").Build()),
        Upsert(PodBuilder(web).Ip("10.42.0.5").Terminating().Build())}},
      {"NodeMovesAndBack",
       {Upsert(PodBuilder(web).Ip("10.42.0.5").On("node-b").Build()),
        Upsert(PodBuilder(web).Ip("10.42.1.6").On("node-b").Build()),
        Upsert(WebAnew().Build()), Delete(web.Build())}},
      {"GoesToTheHostsNetwork",
       {Upsert(PodBuilder(web).Ip("172.31.0.1").HostNetwork().Build()),
        Upsert(PodBuilder(web).Ip("10.42.0.5").Build())}},
      {"AddressIsInheritedAtOnce",
       {Delete(web.Build()), Upsert(heir.Build()), Upsert(WebAnew().Build())}},
      {"AddressIsSharedForAWhile",
       {Upsert(heir.Build()), Delete(heir.Build()),
        Upsert(Pod("twin", "tool").Ip("10.42.0.5").Uid("a").Build())}},
      {"NameIsUsedAgain",
       {Delete(web.Build()), Upsert(WebAnew().Build()),
        Upsert(Pod("client", "web").Ip("10.42.0.6").Uid("c2").Build())}},
      {"NamespaceComesLateAndGoes",
       {Upsert(MakeNamespace("ops", {{"team", "ops"}})),
        Delete(MakeNamespace("ops")), Delete(MakeNamespace("shop")),
        Upsert(Pod("tool", "tool", "ops").Ip("10.42.0.8").Uid("t").Build())}},
      {"NodeObjectChangesAndGoes",
       {Upsert(NodeBuilder("node-a").Address("172.31.0.2").Build()),
        Delete(NodeBuilder("node-a").Build()),
        Delete(NodeBuilder("node-b").Build()), Delete(web.Build())}},
      {"PodClaimsTheNodesAddress",
       {Upsert(PodBuilder(web).Ip("172.31.0.1").Build()),
        Upsert(Pod("client", "client").Ip("172.31.0.1").Uid("c").Build()),
        Delete(PolicyBuilder("shop", "web-in").Build())}},
  };
}

class ObjectLifeTest : public testing::TestWithParam<LifeCase> {
 protected:
  static SimulatedNode Started(const Cluster& cluster) {
    SimulatedNode node;
    for (const v1::WatchEvent& event : ListingOf(cluster)) node.Tell(event);
    node.Sync();
    return node;
  }
};

TEST_P(ObjectLifeTest, EveryOrderOfABurstEndsAsAFreshStartDoes) {
  const std::vector<v1::WatchEvent>& burst = GetParam().burst;
  std::vector<size_t> order(burst.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    std::string told;
    Cluster cluster = Base();
    SimulatedNode at_once = Started(cluster);
    SimulatedNode one_by_one = Started(cluster);
    for (size_t i : order) {
      absl::StrAppend(&told, " ", i);
      ApplyEvent(burst[i], cluster);
      at_once.Tell(burst[i]);
      one_by_one.Tell(burst[i]);
      one_by_one.Sync();
      ASSERT_EQ(FirstWrongVerdict(one_by_one, cluster), "") << told;
    }
    at_once.Sync();
    SimulatedNode fresh = Started(cluster);
    ASSERT_EQ(FirstWrongVerdict(fresh, cluster), "") << told;
    ASSERT_EQ(at_once.Contents(), fresh.Contents()) << told;
    ASSERT_EQ(one_by_one.Contents(), fresh.Contents()) << told;
  } while (std::next_permutation(order.begin(), order.end()));
}

INSTANTIATE_TEST_SUITE_P(Lives, ObjectLifeTest, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<LifeCase>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace netpol
