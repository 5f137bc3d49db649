#include "netpol/compile/set_registry.h"

#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Family kV4 = Family::kIPv4;
constexpr Family kV6 = Family::kIPv6;

PodSetExpression App(std::string app) {
  PodTerm term;
  term.namespace_name = "red";
  term.pods = Selector({{"app", Requirement::Operator::kIn, {std::move(app)}}});
  return PodSetExpression({term});
}

class SetRegistryTest : public testing::Test {
 protected:
  void AddWeb(absl::string_view name, absl::string_view v4,
              absl::string_view v6) {
    state_.UpsertPod(*ParsePod(PodBuilder("red", name)
                                   .Ip(v4)
                                   .Ip(v6)
                                   .Label("app", "web")
                                   .Port("http", 80)
                                   .Build()));
  }
  RulesetChange Told() {
    RulesetChange change;
    registry_.Apply(state_.TakeDirty(), change);
    registry_.Flush(change);
    return change;
  }
  static std::vector<std::string> Text(const std::vector<SetMember>& members) {
    std::vector<std::string> texts;
    for (const SetMember& member : members) texts.push_back(member.ToString());
    return texts;
  }

  ClusterState state_{"node-a"};
  SetRegistry registry_{&state_};
};

TEST_F(SetRegistryTest, NewSetIsToldOnceWithItsMembers) {
  AddWeb("a", "10.42.0.5", "fd00:42::5");
  const SetName name = registry_.AcquirePods(App("web"), kV4);
  const RulesetChange change = Told();
  ASSERT_THAT(change.sets, SizeIs(1));
  EXPECT_EQ(change.sets[0].name, name);
  EXPECT_EQ(change.sets[0].type, SetType::kHashIp);
  EXPECT_EQ(change.sets[0].effect, SetEffect::kAllows);
  EXPECT_THAT(Text(change.sets[0].members), ElementsAre("10.42.0.5"));
  EXPECT_THAT(Told().sets, IsEmpty());
}

TEST_F(SetRegistryTest, FamiliesHaveSetsOfTheirOwn) {
  AddWeb("a", "10.42.0.5", "fd00:42::5");
  const SetName v4 = registry_.AcquirePods(App("web"), kV4);
  const SetName v6 = registry_.AcquirePods(App("web"), kV6);
  EXPECT_NE(v4, v6);
  Told();
  AddWeb("b", "10.42.0.6", "fd00:42::6");
  EXPECT_THAT(Told().members, SizeIs(2));
  // One goes, the other is still told of.
  registry_.Release(v4);
  EXPECT_THAT(Told().gone_sets, ElementsAre(v4));
  AddWeb("c", "10.42.0.7", "fd00:42::7");
  const RulesetChange change = Told();
  ASSERT_THAT(change.members, SizeIs(1));
  EXPECT_EQ(change.members[0].set, v6);
  EXPECT_EQ(change.members[0].member.ToString(), "fd00:42::7");
  EXPECT_TRUE(change.members[0].present);
}

TEST_F(SetRegistryTest, SetLivesUntilItsLastUserLeaves) {
  const SetName name = registry_.AcquirePods(App("web"), kV4);
  EXPECT_EQ(registry_.AcquirePods(App("web"), kV4), name);
  Told();
  registry_.Release(name);
  EXPECT_THAT(Told().gone_sets, IsEmpty());
  registry_.Release(name);
  EXPECT_THAT(Told().gone_sets, ElementsAre(name));
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(SetRegistryTest, SetThatComesAndGoesBetweenTwoLooksIsNeverTold) {
  registry_.Release(registry_.AcquirePods(App("web"), kV4));
  const RulesetChange change = Told();
  EXPECT_THAT(change.sets, IsEmpty());
  EXPECT_THAT(change.gone_sets, IsEmpty());
}

TEST_F(SetRegistryTest, SetThatGoesAndComesBetweenTwoLooksStays) {
  const SetName name = registry_.AcquirePods(App("web"), kV4);
  Told();
  registry_.Release(name);
  registry_.AcquirePods(App("web"), kV4);
  AddWeb("a", "10.42.0.5", "fd00:42::5");
  const RulesetChange change = Told();
  EXPECT_THAT(change.sets, IsEmpty());
  EXPECT_THAT(change.gone_sets, IsEmpty());
  EXPECT_THAT(change.members, SizeIs(1));
}

TEST_F(SetRegistryTest, NamesSayTheContent) {
  EXPECT_NE(registry_.AcquirePods(App("web"), kV4),
            registry_.AcquirePods(App("db"), kV4));
  const auto net = [](absl::string_view text) {
    return *IpPrefix::Parse(text);
  };
  EXPECT_NE(registry_.AcquireBlocks({net("10.0.0.0/8")}, kV4),
            registry_.AcquireBlocks({net("10.0.0.0/9")}, kV4));
  const NamedPortKey everywhere{"http", IPPROTO_TCP, false, absl::nullopt};
  NamedPortKey here = everywhere;
  here.local_only = true;
  NamedPortKey among = everywhere;
  among.among = App("web");
  const SetName all = registry_.AcquireNamedPort(everywhere, kV4);
  const SetName local = registry_.AcquireNamedPort(here, kV4);
  const SetName of_web = registry_.AcquireNamedPort(among, kV4);
  EXPECT_NE(all, local);
  EXPECT_NE(all, of_web);
  EXPECT_NE(local, of_web);
  for (const RulesetChange& change : {Told()}) {
    for (const SetContent& set : change.sets)
      EXPECT_TRUE(SetName::IsOurs(set.name.value()));
  }
}

TEST_F(SetRegistryTest, SelectorsCannotImitateEachOther) {
  // One value with a comma, or two: the names must not meet.
  using Operator = Requirement::Operator;
  const auto name_of = [&](std::vector<Requirement> requirements) {
    PodTerm term;
    term.pods = Selector(std::move(requirements));
    return registry_.AcquirePods(PodSetExpression({term}), kV4);
  };
  EXPECT_NE(name_of({{"a", Operator::kIn, {"b", "c"}}}),
            name_of({{"a", Operator::kIn, {"b,c"}}}));
  EXPECT_NE(name_of({{"a", Operator::kIn, {"b"}}}),
            name_of({{"a", Operator::kNotIn, {"b"}}}));
  EXPECT_NE(
      name_of({{"a", Operator::kExists, {}}, {"b", Operator::kExists, {}}}),
      name_of({{"a", Operator::kIn, {"b"}}}));
  // The same requirement on pods and on namespaces.
  PodTerm of_namespaces;
  of_namespaces.namespaces = Selector({{"a", Operator::kExists, {}}});
  EXPECT_NE(registry_.AcquirePods(PodSetExpression({of_namespaces}), kV4),
            name_of({{"a", Operator::kExists, {}}}));
}

TEST_F(SetRegistryTest, NamedPortFollowsItsPods) {
  const NamedPortKey key{"http", IPPROTO_TCP, false, absl::nullopt};
  const SetName name = registry_.AcquireNamedPort(key, kV4);
  Told();
  AddWeb("a", "10.42.0.5", "fd00:42::5");
  RulesetChange change = Told();
  ASSERT_THAT(change.members, SizeIs(1));
  EXPECT_EQ(change.members[0].set, name);
  EXPECT_EQ(change.members[0].member.ToString(), "10.42.0.5,tcp:80");
  EXPECT_TRUE(change.members[0].present);
  state_.DeletePod({"red", "a"});
  change = Told();
  ASSERT_THAT(change.members, testing::Not(IsEmpty()));
  EXPECT_FALSE(change.members.back().present);
}

}  // namespace
}  // namespace netpol
