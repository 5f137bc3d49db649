// Whom policies select, and whom they let in: the cluster of kube-router's own
// tests, asked by packets.
#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

constexpr char kStranger[] = "192.0.2.9";

struct NamedPod {
  std::string name;  // namespace and name
  std::string address;
  std::string component;  // empty: no such label
};

// The address is all that they have, in the field of old.
const std::vector<NamedPod>& Pods() {
  static const auto* const pods = new std::vector<NamedPod>{
      {"nsA/Aa", "10.1.1.1", ""},   {"nsA/Aaa", "10.1.2.1", "a"},
      {"nsA/Aab", "10.1.2.2", "b"}, {"nsA/Aac", "10.1.2.3", "c"},
      {"nsB/Ba", "10.2.1.1", ""},   {"nsB/Baa", "10.2.2.1", "a"},
      {"nsB/Bab", "10.2.2.2", "b"}, {"nsC/Ca", "10.3.1.1", ""},
  };
  return *pods;
}

PodBuilder Build(const NamedPod& pod) {
  PodBuilder builder(pod.name.substr(0, 3), pod.name.substr(4));
  builder.On(SimulatedNode::kName).OldIp(pod.address).Label("app", "a");
  if (!pod.component.empty()) builder.Label("component", pod.component);
  return builder;
}

struct SelectorCase {
  std::string name;
  PolicyBuilder policy;
  std::vector<std::string> targets;
  std::vector<std::string> peers;
};

k8s::LabelSelector ComponentBOrC() {
  k8s::LabelSelector selector = MatchExpression("app", "In", {"a"});
  *selector.add_match_expressions() =
      MatchExpression("component", "In", {"b", "c"}).match_expressions(0);
  return selector;
}

std::vector<SelectorCase> SelectorCases() {
  const std::vector<std::string> all_of_a = {"nsA/Aa", "nsA/Aaa", "nsA/Aab",
                                             "nsA/Aac"};
  const LabelList app_a = {{"app", "a"}};
  const k8s::LabelSelector named_b = MatchLabels({{"name", "b"}});
  return {
      {"NamespaceThatDoesNotExist", PolicyBuilder("nsXX", "p"), {}, {}},
      {"NamespaceWithoutPods", PolicyBuilder("nsD", "p"), {}, {}},
      {"WholeNamespaceA", PolicyBuilder("nsA", "p"), all_of_a, {}},
      {"WholeNamespaceB",
       PolicyBuilder("nsB", "p"),
       {"nsB/Ba", "nsB/Baa", "nsB/Bab"},
       {}},
      {"WholeNamespaceC", PolicyBuilder("nsC", "p"), {"nsC/Ca"}, {}},
      {"ByExpression",
       PolicyBuilder("nsA", "p").Selects(MatchExpression("app", "In", {"a"})),
       all_of_a,
       {}},
      {"ByLabel", PolicyBuilder("nsA", "p").Selects(app_a), all_of_a, {}},
      {"FromNamespace",
       PolicyBuilder("nsA", "p")
           .Selects(app_a)
           .Ingress({NamespacePeer(named_b)}),
       all_of_a,
       {"nsB/Ba", "nsB/Baa", "nsB/Bab"}},
      {"FromPodsOfNamespace",
       PolicyBuilder("nsA", "p")
           .Selects(app_a)
           .Ingress({PodInNamespacePeer(
               named_b, MatchExpression("component", "In", {"b"}))}),
       all_of_a,
       {"nsB/Bab"}},
      {"ByTwoExpressions",
       PolicyBuilder("nsA", "p").Selects(ComponentBOrC()),
       {"nsA/Aab", "nsA/Aac"},
       {}},
  };
}

class KubeRouterSelectorsTest : public testing::TestWithParam<SelectorCase> {
 protected:
  void SetUp() override {
    node_.Tell(Upsert(MakeNamespace("nsA", {{"name", "a"}, {"team", "a"}})));
    node_.Tell(Upsert(MakeNamespace("nsB", {{"name", "b"}, {"team", "a"}})));
    node_.Tell(Upsert(MakeNamespace("nsC", {{"name", "c"}})));
    node_.Tell(Upsert(MakeNamespace("nsD", {{"name", "d"}})));
    for (const NamedPod& pod : Pods()) node_.Add(Build(pod));
    node_.TellListed();
  }

  // The names of the pods that `predicate` says yes to.
  template <typename Predicate>
  static std::vector<std::string> Which(Predicate predicate) {
    std::vector<std::string> names;
    for (const NamedPod& pod : Pods()) {
      if (predicate(pod)) names.push_back(pod.name);
    }
    return names;
  }

  SimulatedNode node_;
};

TEST_P(KubeRouterSelectorsTest, TargetsAreClosedButToThePeers) {
  node_.Add(GetParam().policy);
  node_.Sync();
  EXPECT_EQ(Which([&](const NamedPod& pod) {
              return !node_.Reaches(kStranger, pod.address);
            }),
            GetParam().targets);
  for (const NamedPod& target : Pods()) {
    const bool isolated =
        std::find(GetParam().targets.begin(), GetParam().targets.end(),
                  target.name) != GetParam().targets.end();
    if (!isolated) continue;
    EXPECT_EQ(Which([&](const NamedPod& pod) {
                return pod.name != target.name &&
                       node_.Reaches(pod.address, target.address);
              }),
              GetParam().peers)
        << "to " << target.name;
  }
}

TEST_P(KubeRouterSelectorsTest, ChainsExistForWhatIsSelectedHere) {
  node_.Add(GetParam().policy);
  node_.Sync();
  const std::string ns = GetParam().policy.Build().metadata().namespace_();
  for (Family family : kFamilies) {
    const bool written =
        node_.Rules(family,
                    PolicyChain({ns, "p"}, Direction::kIngress, family)) !=
        std::vector<std::string>{"no chain"};
    // No pod of this cluster has an IPv6 address.
    EXPECT_EQ(written, family == Family::kIPv4 && !GetParam().targets.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, KubeRouterSelectorsTest,
                         testing::ValuesIn(SelectorCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace netpol
