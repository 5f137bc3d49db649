// Random changes with random failures: in the end the kernel is as wanted.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/random.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

constexpr int kSets = 5;
constexpr int kChains = 4;

SetName SetAt(int i) { return SetName(absl::StrCat("KUBE-SRC-", i)); }
ChainName ChainAt(int i) { return ChainName(absl::StrCat("KUBE-NWPLCY-", i)); }
// In the first set members come and go by sixty, so that it outgrows its hash
// now and then.
std::vector<SetMember> MembersAt(int set, int i) {
  constexpr int kWidth = 60;
  std::vector<SetMember> members;
  for (int j = 1; j <= (set == 0 ? kWidth : 1); ++j) {
    members.push_back(
        SetMember::Address({kV4, absl::uint128(0x0a000000) + i * kWidth + j}));
  }
  return members;
}

// What is wanted: sets with members, and chains that use those sets; the
// FORWARD chain leads to every chain there is.
struct Target {
  std::map<int, std::set<int>> sets;
  std::map<int, std::vector<int>> chains;  // → sets that its rules use

  void Mutate(Random& random) {
    const int set = random.Between(0, kSets - 1);
    const int chain = random.Between(0, kChains - 1);
    switch (random.Between(0, 4)) {
      case 0:
      case 1:
        for (int i = 0; i < 6; ++i) {
          if (random.Chance(40)) sets[set].insert(i);
          if (random.Chance(40)) sets[set].erase(i);
        }
        return;
      case 2:
        sets.erase(set);
        for (auto& [name, used] : chains)
          used.erase(std::remove(used.begin(), used.end(), set), used.end());
        return;
      case 3: {
        std::vector<int> used;
        for (const auto& [name, members] : sets) {
          if (random.Chance(50)) used.push_back(name);
        }
        chains[chain] = used;
        return;
      }
      default:
        chains.erase(chain);
    }
  }

  RulesetChange ToChange() const {
    RulesetChange change = Base(kV4);
    RulesetChange::Table& table = change.table(kV4);
    for (int i = 0; i < kSets; ++i) {
      auto it = sets.find(i);
      if (it == sets.end()) {
        change.gone_sets.push_back(SetAt(i));
        continue;
      }
      SetContent content = Allowing(SetAt(i).value(), {});
      for (int member : it->second) {
        for (const SetMember& each : MembersAt(i, member))
          content.members.push_back(each);
      }
      change.sets.push_back(std::move(content));
    }
    Chain forward{ChainName(kForwardChain), {}};
    for (int i = 0; i < kChains; ++i) {
      auto it = chains.find(i);
      if (it == chains.end()) {
        table.gone_chains.push_back(ChainAt(i));
        continue;
      }
      Chain chain{ChainAt(i), {}};
      for (int set : it->second)
        chain.rules.push_back(AcceptFrom(SetAt(set).value()));
      table.chains.push_back(std::move(chain));
      forward.rules.push_back(JumpTo(ChainAt(i).value()));
    }
    table.chains.push_back(std::move(forward));
    return change;
  }
};

std::string Describe(const Snapshot& snapshot) {
  std::string text;
  for (const auto& [name, set] : snapshot.sets) {
    const std::set<SetMember> members(set.members.begin(), set.members.end());
    absl::StrAppend(&text, name.value(), ":");
    for (const SetMember& member : members)
      absl::StrAppend(&text, " ", member.ToString());
    absl::StrAppend(&text, "\n");
  }
  for (const auto& [name, rules] : snapshot.table(kV4).chains) {
    absl::StrAppend(&text, name.value(), "\n");
    for (const Rule& rule : rules)
      absl::StrAppend(&text, "  ", rule.ToString(kV4), "\n");
  }
  return text;
}

std::string FromScratch(const Target& target) {
  FakeDataplane kernel;
  SyncEngine engine(&kernel, {kV4});
  engine.Stage(target.ToChange());
  EXPECT_TRUE(engine.Sync().ok());
  return Describe(kernel.state());
}

// Fresh engines count what they are told once; ours has seen much come and go.
void CheckCounts(const SyncEngine& engine, const Target& target) {
  FakeDataplane kernel;
  SyncEngine fresh(&kernel, {kV4});
  fresh.Stage(target.ToChange());
  EXPECT_EQ(engine.wanted_sets(), fresh.wanted_sets());
  EXPECT_EQ(engine.wanted_chains(), fresh.wanted_chains());
  EXPECT_EQ(engine.wanted_rules(), fresh.wanted_rules());
  EXPECT_EQ(fresh.wanted_sets(), static_cast<int>(target.sets.size()) + 1);
}

constexpr OperationKind kKinds[] = {
    OperationKind::kRead,        OperationKind::kCreateSet,
    OperationKind::kAddMembers,  OperationKind::kRemoveMembers,
    OperationKind::kReplaceSet,  OperationKind::kDestroySet,
    OperationKind::kCommitTable,
};

TEST(SyncEngineRandomTest, KernelEndsAsWantedWhateverFailed) {
  int failures = 0;
  for (int seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    FakeDataplane kernel;
    SyncEngine engine(&kernel, {kV4});
    Target target;
    for (int round = 0; round < 20; ++round) {
      const int mutations = random.Between(1, 6);
      for (int i = 0; i < mutations; ++i) target.Mutate(random);
      engine.Stage(target.ToChange());
      CheckCounts(engine, target);
      while (random.Chance(60)) {
        kernel.FailNext(kKinds[random.Below(std::size(kKinds))],
                        absl::InternalError("injected"),
                        random.Chance(50)
                            ? FakeDataplane::FailurePoint::kBefore
                            : FakeDataplane::FailurePoint::kAfter);
      }
      const absl::StatusOr<SyncReport> report = engine.Sync();
      failures += !report.ok() || report->retry ? 1 : 0;
      if (random.Chance(50)) continue;
      kernel.StopFailing();
      const absl::StatusOr<SyncReport> mended = engine.Sync();
      ASSERT_TRUE(mended.ok()) << mended.status() << ", seed " << seed;
      ASSERT_FALSE(mended->retry) << "seed " << seed << ", round " << round;
      ASSERT_EQ(Describe(kernel.state()), FromScratch(target))
          << "seed " << seed << ", round " << round;
      const absl::StatusOr<Plan> plan = engine.Preview();
      ASSERT_TRUE(plan.ok());
      ASSERT_EQ(plan->ToString(), "") << "seed " << seed;
    }
  }
  EXPECT_GT(failures, 100);
}

TEST(SyncEngineRandomTest, HalfOfAnyBatchAllowsNoLessThanBothEnds) {
  int replaced = 0;
  // Whoever is in a set that a rule uses before and after stays in it.
  for (int seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    FakeDataplane kernel;
    SyncEngine engine(&kernel, {kV4});
    Target target;
    engine.Stage(target.ToChange());
    ASSERT_TRUE(engine.Sync().ok());
    for (int round = 0; round < 20; ++round) {
      const Target before = target;
      for (int i = 0; i < 4; ++i) target.Mutate(random);
      std::string violation;
      kernel.set_observer([&](const Operation& operation) {
        for (const auto& [set, members] : before.sets) {
          auto after = target.sets.find(set);
          if (after == target.sets.end()) continue;
          const ObservedSet* now = kernel.sets().FindOrNull(SetAt(set));
          for (int member : members) {
            if (after->second.count(member) == 0) continue;
            for (const SetMember& each : MembersAt(set, member)) {
              if (now == nullptr || now->members.count(each) == 0)
                violation = operation.ToString();
            }
          }
        }
      });
      engine.Stage(target.ToChange());
      const absl::StatusOr<SyncReport> report = engine.Sync();
      ASSERT_TRUE(report.ok());
      replaced += report->sets_replaced;
      kernel.set_observer(nullptr);
      ASSERT_EQ(violation, "") << "seed " << seed << ", round " << round;
    }
  }
  EXPECT_GT(replaced, 20);
}

}  // namespace
}  // namespace netpol
