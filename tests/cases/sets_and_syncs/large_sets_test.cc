// C042: a set has room for all its members, seventy thousand as well, and one
// that the kernel will not take costs only itself.
#include <netinet/in.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/forwarding_dataplane.h"
#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// As in recipe.yaml.
constexpr int kPods = 70000;
constexpr int kOldCapacity = 65536;

std::string AddressOfPod(int number) {
  return absl::StrCat("100.", 64 + (number >> 16), ".", (number >> 8) & 255,
                      ".", number & 255);
}

v1::WatchEvent RemotePod(int number) {
  return Upsert(PodBuilder("crowd", absl::StrCat("p", number))
                    .On(absl::StrCat("node-", number / 100))
                    .Ip(AddressOfPod(number))
                    .Phase("Running")
                    .Build());
}

// The policy of the recipe, for the pod of the case, and a small one beside it.
std::vector<v1::WatchEvent> RecipePolicies() {
  return {
      Upsert(PolicyBuilder("big", "list")
                 .Selects({{"app", "s"}})
                 .Types({"Ingress"})
                 .Ingress({NamespacePeer(MatchLabels())})
                 .Build()),
      Upsert(MakeNamespace("small")),
      Upsert(PodBuilder("small", "s")
                 .On("node-a")
                 .Ip("10.42.0.98")
                 .Phase("Running")
                 .Build()),
      Upsert(
          PolicyBuilder("small", "in")
              .Types({"Ingress"})
              .Ingress({BlockPeer("198.51.100.0/24")}, {NumberPort("TCP", 80)})
              .Build()),
  };
}

CaseCheck Check(const std::string& from, const std::string& to, uint16_t port,
                bool allowed) {
  return {from, to, IPPROTO_TCP, port, allowed};
}

std::vector<CaseCheck> SmallPolicyHolds() {
  return {Check("198.51.100.9", "small/s", 80, true),
          Check("198.51.100.9", "small/s", 81, false),
          Check("203.0.113.9", "small/s", 80, false)};
}

// What the policy with the large set lets in when it works.
std::vector<CaseCheck> LargePolicyHolds(bool works) {
  return {Check(AddressOfPod(1), "big/s", 443, works),
          Check(AddressOfPod(kOldCapacity), "big/s", 443, works),
          Check(AddressOfPod(kPods), "big/s", 443, works),
          Check(AddressOfPod(kPods + 1), "big/s", 443, false)};
}

// The largest set of `snapshot`.
const ObservedSet& LargestSet(const Snapshot& snapshot) {
  return std::max_element(snapshot.sets.begin(), snapshot.sets.end(),
                          [](const auto& a, const auto& b) {
                            return a.second.members.size() <
                                   b.second.members.size();
                          })
      ->second;
}

void ExpectEveryPodIn(const ObservedSet& set) {
  EXPECT_GT(set.spec.max_elements, static_cast<uint32_t>(kOldCapacity));
  int missing = 0;
  for (int number = 1; number <= kPods; ++number) {
    missing += set.members.count(SetMember::Address(
                   *IpAddress::Parse(AddressOfPod(number)))) == 0;
  }
  EXPECT_EQ(missing, 0);
  // The two pods of the node as well.
  EXPECT_EQ(set.members.size(), kPods + 2u);
}

// Tells of the pods from `first` to `last`, without keeping them in a cluster
// that would be searched for each from end to end.
void TellOfPods(Controller& controller, int first, int last) {
  for (int number = first; number <= last; ++number)
    ASSERT_TRUE(controller.OnEvent(RemotePod(number)).ok());
}

TEST(LargeSetsTest, C042SetThatOutgrowsItsCapacityIsSwappedUnderItsRules) {
  MemoryNode node;
  node.TellStep(StepsOf("C042").at(0));
  node.Tell(RecipePolicies());
  TellOfPods(node.controller(), 1, 65000);
  node.Sync();
  const SetName name = LargestSet(node.state()).spec.name;
  ASSERT_EQ(LargestSet(node.state()).spec.max_elements,
            static_cast<uint32_t>(kOldCapacity));
  TellOfPods(node.controller(), 65001, kPods);
  node.kernel().ClearLog();
  EXPECT_EQ(node.Sync().sets_replaced, 1);
  std::vector<OperationKind> kinds;
  for (const Operation& operation : node.kernel().log()) {
    kinds.push_back(operation.kind);
    EXPECT_EQ(operation.set, name);
  }
  EXPECT_THAT(kinds, ElementsAre(OperationKind::kReplaceSet))
      << "and no rule is touched";
  const Snapshot state = node.state();
  EXPECT_EQ(LargestSet(state).spec.name, name);
  ExpectEveryPodIn(LargestSet(state));
  node.ExpectVerdicts(LargePolicyHolds(true));
  node.ExpectVerdicts(SmallPolicyHolds());
}

TEST(LargeSetsTest, C042SetThatIsRefusedIsNamedAndClosesOnlyItsRules) {
  MemoryNode node;
  node.TellStep(StepsOf("C042").at(0));
  node.Tell(RecipePolicies());
  TellOfPods(node.controller(), 1, 2000);
  SetName refused;
  node.kernel().set_gate([&](const Operation& operation) {
    if (operation.kind != OperationKind::kCreateSet ||
        operation.members.size() < 2000)
      return absl::OkStatus();
    refused = operation.set;
    return absl::ResourceExhaustedError("no memory for the set");
  });
  const absl::StatusOr<SyncReport> report = node.controller().Sync();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->retry);
  EXPECT_THAT(report->problems, Contains(HasSubstr("no memory")));
  EXPECT_THAT(report->problems,
              Each(AnyOf(HasSubstr(refused.value()), HasSubstr("big/list"))));
  node.ExpectVerdicts({Check(AddressOfPod(1), "big/s", 443, false)});
  node.ExpectVerdicts(SmallPolicyHolds());
  node.kernel().set_gate(nullptr);
  EXPECT_FALSE(node.Sync().retry);
  node.ExpectVerdicts({Check(AddressOfPod(1), "big/s", 443, true)});
  node.ExpectVerdicts(SmallPolicyHolds());
}

// Asks the kernel for less room than there should be, as an older controller
// did that let the default stand; the refusal is then the kernel's own.
class CrampedKernel : public ForwardingDataplane {
 public:
  explicit CrampedKernel(std::unique_ptr<Dataplane> kernel)
      : ForwardingDataplane(std::move(kernel)) {}

  static void set_cramped(bool cramped) { cramped_ = cramped; }

  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override {
    return ForwardingDataplane::CreateSet(Cramped(spec), members);
  }
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override {
    return ForwardingDataplane::ReplaceSet(Cramped(spec), members);
  }

 private:
  static SetSpec Cramped(SetSpec spec) {
    if (cramped_) spec.max_elements = kOldCapacity;
    return spec;
  }

  static bool cramped_;
};

bool CrampedKernel::cramped_ = false;

class LargeSetsKernelTest : public KernelCaseTest {
 protected:
  void TellRecipe() {
    TellStep(StepsOf("C042").at(0));
    Tell(RecipePolicies());
    TellOfPods(*controller_, 1, kPods);
  }
};

TEST_F(LargeSetsKernelTest, C042RecipeInTheKernel) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(TellRecipe());
  const SyncReport report = Sync();
  std::cout << kPods << " members: " << report.writes.set_messages
            << " messages, " << report.writes.table_commits << " commits\n";
  EXPECT_LT(report.writes.set_messages, 100u);
  ExpectEveryPodIn(LargestSet(ReadKernel()));
  ExpectVerdicts(LargePolicyHolds(true));
  ExpectVerdicts(SmallPolicyHolds());
  ExpectInStep();
}

TEST_F(LargeSetsKernelTest, C042SetThatTheKernelRefusesClosesOnlyItsRules) {
  CrampedKernel::set_cramped(true);
  ASSERT_NO_FATAL_FAILURE(
      Start(absl::Seconds(20), [](std::unique_ptr<Dataplane> kernel) {
        return std::make_unique<CrampedKernel>(std::move(kernel));
      }));
  ASSERT_NO_FATAL_FAILURE(TellRecipe());
  const absl::StatusOr<SyncReport> report = TrySync();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->retry);
  EXPECT_THAT(
      report->problems,
      ElementsAre(testing::AllOf(HasSubstr("KUBE-SRC-"), HasSubstr("65536"))));
  ExpectVerdicts(LargePolicyHolds(false));
  ExpectVerdicts(SmallPolicyHolds());
  CrampedKernel::set_cramped(false);
  EXPECT_FALSE(Sync().retry);
  ExpectVerdicts(LargePolicyHolds(true));
  ExpectVerdicts(SmallPolicyHolds());
}

}  // namespace
}  // namespace netpol
