// C073: no moment of a sync at which a live set is short of members or a live
// chain is empty. In memory, where every moment can be looked at.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::IsEmpty;

// The kernel before a batch, between its operations, and after it.
using Moments = std::vector<Snapshot>;

// Syncs `node` and looks at the kernel all the while.
Moments WatchSync(MemoryNode& node) {
  Moments moments = {node.state()};
  node.kernel().set_observer(
      [&](const Operation&) { moments.push_back(node.state()); });
  node.Sync();
  node.kernel().set_observer(nullptr);
  return moments;
}

// Sets that are there before and after keep, all the while, the members that
// they have before and after.
std::vector<std::string> ShrunkSets(const Moments& moments) {
  std::vector<std::string> wrong;
  for (const auto& [name, before] : moments.front().sets) {
    const auto after = moments.back().sets.find(name);
    if (after == moments.back().sets.end()) continue;
    for (const Snapshot& moment : moments) {
      const auto now = moment.sets.find(name);
      for (const SetMember& member : before.members) {
        if (after->second.members.count(member) == 0) continue;
        if (now != moment.sets.end() && now->second.members.count(member) > 0)
          continue;
        wrong.push_back(absl::StrCat("set ", name.value(), " was without ",
                                     member.ToString()));
      }
    }
  }
  return wrong;
}

// Chains that have rules before and after have some all the while, and the
// jumps into them stay first.
std::vector<std::string> EmptiedChains(const Moments& moments) {
  std::vector<std::string> wrong;
  for (Family family : kFamilies) {
    const ObservedTable& after = moments.back().table(family);
    for (const auto& [name, rules] : moments.front().table(family).chains) {
      const auto last = after.chains.find(name);
      if (rules.empty() || last == after.chains.end() || last->second.empty())
        continue;
      for (const Snapshot& moment : moments) {
        const auto now = moment.table(family).chains.find(name);
        if (now == moment.table(family).chains.end() || now->second.empty())
          wrong.push_back(absl::StrCat("chain ", name.value(), " was empty"));
      }
    }
    if (!moments.front().table(family).hooks_in_place) continue;
    for (const Snapshot& moment : moments) {
      if (!moment.table(family).hooks_in_place)
        wrong.push_back("the jumps were gone");
    }
  }
  return wrong;
}

// Families that were committed more than once, and what the engine has no
// business to do to a set that stays.
std::vector<std::string> NeedlessSteps(const std::vector<Operation>& log) {
  std::vector<std::string> wrong;
  int commits[2] = {0, 0};
  for (const Operation& operation : log) {
    if (operation.kind == OperationKind::kCommitTable)
      ++commits[static_cast<int>(operation.change.family)];
  }
  for (Family family : kFamilies) {
    if (commits[static_cast<int>(family)] > 1)
      wrong.push_back(absl::StrCat(FamilyName(family), " took ",
                                   commits[static_cast<int>(family)],
                                   " commits"));
  }
  return wrong;
}

void ExpectAtomicSync(MemoryNode& node) {
  node.kernel().ClearLog();
  const Moments moments = WatchSync(node);
  EXPECT_THAT(ShrunkSets(moments), IsEmpty());
  EXPECT_THAT(EmptiedChains(moments), IsEmpty());
  EXPECT_THAT(NeedlessSteps(node.kernel().log()), IsEmpty());
}

TEST(AtomicSyncsTest, StepsOfEveryCase) {
  int syncs = 0;
  for (const std::string& id : CaseIds()) {
    MemoryNode node;
    for (const CaseStep& step : StepsOf(id)) {
      SCOPED_TRACE(absl::StrCat(id, " step ", step.number));
      node.TellStep(step);
      ExpectAtomicSync(node);
      ++syncs;
    }
  }
  EXPECT_GT(syncs, 100);
}

// What comes and goes beside the pods of C073.
std::vector<v1::WatchEvent> Noise(int round) {
  const std::string name = absl::StrCat("n", round % 7);
  const PodBuilder pod = PodBuilder("noise", name)
                             .On(round % 2 == 0 ? "node-a" : "node-b")
                             .Ip(absl::StrCat("10.42.0.", 160 + round % 11))
                             .Label("app", round % 3 == 0 ? "n" : "m")
                             .Phase("Running");
  const k8s::NetworkPolicy policy =
      PolicyBuilder("noise", absl::StrCat("p", round % 5))
          .Selects({{"app", "n"}})
          .Types({"Ingress", "Egress"})
          .Ingress({NamespacePeer(MatchLabels()),
                    BlockPeer(absl::StrCat("198.51.", round, ".0/24"))})
          .Build();
  return {round % 4 == 3 ? Delete(pod.Build()) : Upsert(pod.Build()),
          round % 6 == 5 ? Delete(policy) : Upsert(policy)};
}

TEST(AtomicSyncsTest, C073FiftySyncsWithChurn) {
  MemoryNode node;
  const std::vector<CaseStep> steps = StepsOf("C073");
  ASSERT_EQ(steps.size(), 3u);
  node.Follow({steps[0]});
  uint64_t written = 0;
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    // The policies of calm/s and calm/c go to and fro between two versions.
    const CaseStep& step = steps[round % 3];
    node.TellStep(step);
    node.Tell(Noise(round));
    const uint64_t before = node.kernel().writes().total();
    ExpectAtomicSync(node);
    written += node.kernel().writes().total() - before;
    node.ExpectVerdicts(steps[0].checks);
  }
  EXPECT_GT(written, 50u) << "there was nothing to do";
}

TEST(AtomicSyncsTest, C073SetThatGetsAnotherContentIsReplacedInOneStep) {
  MemoryNode node;
  const std::vector<CaseStep> steps = StepsOf("C073");
  node.Follow({steps[0]});
  // Somebody made a peer set anew with elements that are not ours.
  const std::string before = node.contents();
  Snapshot state = node.state();
  size_t spoiled = 0;
  for (auto& [name, set] : state.sets) {
    if (name == LocalPodsSet(set.spec.family)) continue;
    set.foreign_content = true;
    node.kernel().sets().Put(set);
    ++spoiled;
  }
  ASSERT_EQ(spoiled, 2u) << "the peers of two policies";
  node.controller().QueueResync();
  ExpectAtomicSync(node);
  size_t replaced = 0;
  for (const Operation& operation : node.kernel().log()) {
    EXPECT_NE(operation.kind, OperationKind::kRemoveMembers) << operation;
    EXPECT_NE(operation.kind, OperationKind::kDestroySet) << operation;
    EXPECT_NE(operation.kind, OperationKind::kCommitTable) << operation;
    replaced += operation.kind == OperationKind::kReplaceSet;
  }
  EXPECT_EQ(replaced, spoiled);
  EXPECT_EQ(node.contents(), before);
}

}  // namespace
}  // namespace netpol
