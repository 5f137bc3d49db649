// What kube-router's own tests want to find in the kernel after a sync, found
// after ours.
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/packet_way.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Family kV4 = Family::kIPv4;
constexpr Family kV6 = Family::kIPv6;
constexpr Direction kIn = Direction::kIngress;
constexpr Direction kOut = Direction::kEgress;
const char* const kNoChain = "no chain";

// ---- The fixture: two pods on two nodes, and two policies of which one
// selects nobody.

PodBuilder Whoami(int number) {
  const bool here = number == 0;
  return PodBuilder("default", absl::StrCat("whoami-", number))
      .On(here ? SimulatedNode::kName : "node-b")
      .Ip(here ? "10.242.0.5" : "10.242.1.4")
      .Ip(here ? "2001:db8:42:1000::5" : "2001:db8:42:1001::4")
      .Label("app", "whoami")
      .Phase("Running");
}

PodBuilder Debug() {
  return PodBuilder("default", "debug")
      .On(SimulatedNode::kName)
      .Ip("10.242.0.9")
      .Ip("2001:db8:42:1000::9")
      .Label("app", "debug")
      .Phase("Running");
}

PolicyBuilder DebugPolicy() {
  return PolicyBuilder("default", "debug")
      .Selects(LabelList{{"app", "debug"}})
      .Types({"Egress"})
      .Egress({PodPeer(MatchLabels({{"app", "whoami"}}))});
}

PolicyBuilder WhoamiPolicy() {
  return PolicyBuilder("default", "whoami")
      .Selects(LabelList{{"app", "whoami"}})
      .Types({"Ingress"})
      .Ingress({PodPeer(MatchLabels({{"app", "absent"}})),
                BlockPeer("10.95.0.239/32")},
               {NumberPort("TCP", 5000)});
}

std::string SetNamedIn(const std::string& rule) {
  const std::string before = "--match-set ";
  const size_t begin = rule.find(before) + before.size();
  return rule.substr(begin, rule.find(' ', begin) - begin);
}

class KubeRouterSyncTest : public testing::Test {
 protected:
  KubeRouterSyncTest() { node_.TellListed(); }

  void TellFixture() {
    node_.Tell(Upsert(MakeNamespace("default")));
    for (int i = 0; i < 2; ++i) node_.Add(Whoami(i));
    node_.Add(DebugPolicy());
    node_.Add(WhoamiPolicy());
  }

  std::vector<std::string> PolicyRules(const std::string& name,
                                       Direction direction, Family family) {
    return node_.Rules(family,
                       PolicyChain({"default", name}, direction, family));
  }
  std::vector<std::string> MembersOfSetIn(const std::string& rule) {
    return node_.Members(SetName(SetNamedIn(rule)));
  }
  bool HookIsIntact(Family family) {
    return node_.kernel().table(family).Observe().hooks_in_place;
  }

  SimulatedNode node_;
};

TEST_F(KubeRouterSyncTest, PolicyOfALocalPodIsWrittenWithItsSets) {
  TellFixture();
  node_.Sync();
  const auto v4 = PolicyRules("whoami", kIn, kV4);
  ASSERT_THAT(v4, SizeIs(2));
  EXPECT_THAT(v4[0], HasSubstr("\"default/whoami ingress pods\""));
  EXPECT_THAT(MembersOfSetIn(v4[0]), IsEmpty());
  EXPECT_THAT(v4[1], HasSubstr("-p tcp"));
  EXPECT_THAT(v4[1], HasSubstr("\"default/whoami ingress cidr\""));
  EXPECT_THAT(v4[1], HasSubstr("--dport 5000 "));
  EXPECT_THAT(MembersOfSetIn(v4[1]), ElementsAre("10.95.0.239"));
  EXPECT_EQ(
      node_.kernel().sets().FindOrNull(SetName(SetNamedIn(v4[1])))->spec.type,
      SetType::kHashNet);
  const auto v6 = PolicyRules("whoami", kIn, kV6);
  ASSERT_THAT(v6, SizeIs(1)) << "the block is of the other family";
  EXPECT_THAT(MembersOfSetIn(v6[0]), IsEmpty());
}

TEST_F(KubeRouterSyncTest, PolicyIsWrittenOnceAPodItSelectsIsHere) {
  TellFixture();
  node_.Sync();
  for (Family family : kFamilies)
    EXPECT_THAT(PolicyRules("debug", kOut, family), ElementsAre(kNoChain));
  node_.Add(Debug());
  node_.Sync();
  const auto v4 = PolicyRules("debug", kOut, kV4);
  ASSERT_THAT(v4, SizeIs(1));
  EXPECT_THAT(v4[0], HasSubstr("\"default/debug egress pods\""));
  EXPECT_THAT(MembersOfSetIn(v4[0]), ElementsAre("10.242.0.5", "10.242.1.4"));
  const auto v6 = PolicyRules("debug", kOut, kV6);
  ASSERT_THAT(v6, SizeIs(1));
  EXPECT_THAT(MembersOfSetIn(v6[0]),
              ElementsAre("2001:db8:42:1000::5", "2001:db8:42:1001::4"));
}

TEST_F(KubeRouterSyncTest, PacketsOfTheFixtureMeetItsVerdicts) {
  TellFixture();
  node_.Add(Debug());
  node_.Sync();
  const auto passes = [&](const char* from, const char* to, int port,
                          uint8_t protocol = IPPROTO_TCP) {
    return GoesOn(
        node_.Decide(Hook::kForward, FirstPacket(from, to, port, protocol)));
  };
  const char* const block = "10.95.0.239";
  EXPECT_TRUE(passes(block, "10.242.0.5", 5000));
  EXPECT_FALSE(passes(block, "10.242.0.5", 5001));
  EXPECT_FALSE(passes(block, "10.242.0.5", 5000, IPPROTO_UDP));
  EXPECT_FALSE(passes("10.95.0.238", "10.242.0.5", 5000));
  EXPECT_FALSE(passes("10.242.0.9", "10.242.0.5", 5000));
  EXPECT_TRUE(passes("10.242.0.9", "10.242.1.4", 5000));
  EXPECT_TRUE(passes("2001:db8:42:1000::9", "2001:db8:42:1001::4", 443));
  EXPECT_FALSE(passes("10.242.0.9", "192.0.2.1", 5000));
  EXPECT_FALSE(passes("2001:db8:42:1000::9", "2001:db8::1", 443));
  EXPECT_TRUE(passes("10.242.0.5", "192.0.2.1", 443));
}

// A service address of its own may lead a pod back to itself.
TEST_F(KubeRouterSyncTest, PodReachesItselfWhateverThePolicies) {
  TellFixture();
  for (const char* type : {"Ingress", "Egress"})
    node_.Add(
        PolicyBuilder("default", absl::StrCat("deny-", type)).Types({type}));
  node_.Sync();
  EXPECT_TRUE(node_.Reaches("10.242.0.5", "10.242.0.5"));
  EXPECT_TRUE(node_.Reaches("2001:db8:42:1000::5", "2001:db8:42:1000::5"));
  EXPECT_FALSE(node_.Reaches("10.242.0.5", "10.242.1.4"));
  EXPECT_FALSE(node_.Reaches("10.242.1.4", "10.242.0.5"));
}

// ---- Set-up.

TEST_F(KubeRouterSyncTest, FixedChainsStandInBothFamiliesFromTheFirstSync) {
  node_.Sync();
  for (Family family : kFamilies) {
    EXPECT_TRUE(HookIsIntact(family));
    for (const Chain& chain : FixedChains(BothFamilies(), family)) {
      std::vector<std::string> rules;
      for (const Rule& rule : chain.rules)
        rules.push_back(rule.ToString(family));
      EXPECT_EQ(node_.Rules(family, chain.name), rules) << chain.name;
    }
  }
}

TEST_F(KubeRouterSyncTest, SecondSetUpChangesNothing) {
  TellFixture();
  node_.Sync();
  const std::string contents = node_.Contents();
  node_.controller().QueueResync();
  EXPECT_EQ(node_.Sync().writes.total(), 0u);
  node_.Restart();
  node_.TellListed();
  TellFixture();
  EXPECT_EQ(node_.Sync().writes.total(), 0u);
  EXPECT_EQ(node_.Contents(), contents);
}

TEST_F(KubeRouterSyncTest, EverythingComesBackAfterAFlushByHand) {
  TellFixture();
  node_.Sync();
  const std::string contents = node_.Contents();
  node_.kernel().table(kV4).Clear();
  node_.controller().QueueResync();
  node_.Sync();
  EXPECT_EQ(node_.Contents(), contents);
  EXPECT_TRUE(HookIsIntact(kV4));
}

// ---- What goes.

TEST_F(KubeRouterSyncTest, RemovedPolicyGoesAndTheOtherStays) {
  TellFixture();
  node_.Add(Debug());
  node_.Sync();
  const auto kept = PolicyRules("debug", kOut, kV4);
  const auto gone = PolicyRules("whoami", kIn, kV4);
  ASSERT_THAT(gone, SizeIs(2));
  node_.Tell(Delete(WhoamiPolicy().Build()));
  node_.Sync();
  EXPECT_THAT(PolicyRules("whoami", kIn, kV4), ElementsAre(kNoChain));
  for (const std::string& rule : gone)
    EXPECT_THAT(MembersOfSetIn(rule), ElementsAre("no set"));
  EXPECT_EQ(PolicyRules("debug", kOut, kV4), kept);
  EXPECT_THAT(MembersOfSetIn(kept[0]), SizeIs(2));
  EXPECT_TRUE(node_.Reaches("192.0.2.1", "10.242.0.5"));
}

TEST_F(KubeRouterSyncTest, StaleChainsAndSetsGoAndActiveOnesStay) {
  TellFixture();
  node_.Sync();
  const std::string contents = node_.Contents();
  Rule rule;
  rule.action = JumpAction{CommonChain()};
  const ChainName stale("KUBE-POD-FW-STALE");
  ASSERT_TRUE(node_.kernel().table(kV4).Put({stale, {rule}}).ok());
  ObservedSet set;
  set.spec.name = SetName("KUBE-SRC-STALE");
  set.members = {SetMember::Address(*IpAddress::Parse("10.0.0.1"))};
  node_.kernel().sets().Put(set);
  ASSERT_THAT(node_.Contents(), HasSubstr("STALE"));
  node_.controller().QueueResync();
  node_.Sync();
  EXPECT_EQ(node_.Contents(), contents);
}

TEST_F(KubeRouterSyncTest, NamespaceFullOfPoliciesComesAndGoesWithoutATrace) {
  node_.Sync();
  const std::string before = node_.Contents();
  for (int round = 0; round < 2; ++round) {
    std::vector<PodBuilder> pods;
    std::vector<PolicyBuilder> policies;
    for (int i = 0; i < 4; ++i) {
      const std::string name = absl::StrCat("gc-", i);
      pods.push_back(PodBuilder("gc", name)
                         .On(SimulatedNode::kName)
                         .Ip(absl::StrCat("10.242.0.", 20 + i))
                         .Ip(absl::StrCat("2001:db8:42:1000::2", i))
                         .Label("app", name));
      policies.push_back(
          PolicyBuilder("gc", name).Selects(LabelList{{"app", name}}));
    }
    for (const PodBuilder& pod : pods) node_.Add(pod);
    for (const PolicyBuilder& policy : policies) node_.Add(policy);
    node_.Sync();
    for (Family family : kFamilies) {
      for (const PodBuilder& pod : pods) {
        const ObjectKey key{"gc", pod.Build().metadata().name()};
        EXPECT_THAT(node_.Rules(family, PodChain(key, kIn, family)),
                    Not(ElementsAre(kNoChain)));
        EXPECT_THAT(node_.Rules(family, PolicyChain(key, kIn, family)),
                    IsEmpty());
      }
    }
    for (const PolicyBuilder& policy : policies)
      node_.Tell(Delete(policy.Build()));
    for (const PodBuilder& pod : pods) node_.Tell(Delete(pod.Build()));
    node_.Sync();
    EXPECT_EQ(node_.Contents(), before);
  }
}

// ---- What cannot be done.

TEST_F(KubeRouterSyncTest, PolicyThatCannotBeWrittenCostsOnlyItself) {
  TellFixture();
  node_.Add(Debug());
  node_.kernel().set_gate([](const Operation& operation) {
    const bool block =
        operation.kind == OperationKind::kCreateSet &&
        std::any_of(operation.members.begin(), operation.members.end(),
                    [](const SetMember& member) {
                      return member.ToString() == "10.95.0.239";
                    });
    return block ? absl::ResourceExhaustedError("no room") : absl::OkStatus();
  });
  const SyncReport report = node_.Sync();
  EXPECT_THAT(report.problems, SizeIs(1));
  const auto allowed = [&] {
    return node_.Decide(Hook::kForward,
                        FirstPacket("10.95.0.239", "10.242.0.5", 5000));
  };
  EXPECT_EQ(allowed(), Outcome::kRejected) << "closed, as far as it is known";
  EXPECT_FALSE(node_.Reaches("192.0.2.1", "10.242.0.5"));
  EXPECT_TRUE(node_.Reaches("10.242.0.9", "10.242.1.4"));
  EXPECT_FALSE(node_.Reaches("10.242.0.9", "192.0.2.1"));
  node_.kernel().set_gate(nullptr);
  node_.Sync();
  EXPECT_EQ(allowed(), Outcome::kAccepted);
}

// ---- Which updates of a pod matter.

struct UpdateCase {
  std::string name;
  PodBuilder before;
  PodBuilder after;
  bool relevant;
};

PodBuilder Named(const char* address, const char* old) {
  return PodBuilder("default", "whoami-0")
      .On(SimulatedNode::kName)
      .Ip(address)
      .OldIp(old)
      .Label("app", "whoami")
      .Phase("Running");
}

k8s::Pod WithTrifles(k8s::Pod pod, const std::string& text) {
  pod.mutable_status()->set_host_ip(text == "a" ? "192.0.2.1" : "192.0.2.2");
  pod.mutable_spec()->add_containers()->set_name(text);
  return pod;
}

TEST_F(KubeRouterSyncTest, OnlyUpdatesThatMatterAreWritten) {
  const PodBuilder pod = Named("10.242.0.5", "10.242.0.5");
  const std::vector<UpdateCase> cases = {
      {"phase", pod, PodBuilder(pod).Phase("Succeeded"), true},
      {"phase that runs on", pod, PodBuilder(pod).Phase("Unknown"), false},
      {"address", pod, Named("10.242.0.6", "10.242.0.6"), true},
      {"second address", pod, PodBuilder(pod).Ip("2001:db8::6"), true},
      {"labels", pod, PodBuilder(pod).Label("app", "other"), true},
      {"label that nobody asks for", pod, PodBuilder(pod).Label("x", "y"),
       false},
      {"node", pod, PodBuilder(pod).On("node-b"), true},
      {"nothing", pod, pod, false},
  };
  for (const UpdateCase& c : cases) {
    SimulatedNode node;
    node.TellListed();
    node.Add(WhoamiPolicy());
    node.Tell(Upsert(WithTrifles(c.before.Build(), "a")));
    node.Sync();
    // Host address and container are others every time.
    node.Tell(Upsert(WithTrifles(c.after.Build(), "b")));
    EXPECT_EQ(node.Sync().writes.total() > 0, c.relevant) << c.name;
  }
}

}  // namespace
}  // namespace netpol
