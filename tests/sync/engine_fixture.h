// A sync engine over a kernel in memory, and short ways to say what is wanted.
#ifndef NETPOL_TESTS_SYNC_ENGINE_FIXTURE_H_
#define NETPOL_TESTS_SYNC_ENGINE_FIXTURE_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"
#include "netpol/sync/sync_engine.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {

inline constexpr Family kV4 = Family::kIPv4;
inline constexpr Family kV6 = Family::kIPv6;

// The set that says which packets are judged, and a chain that allows.
inline constexpr absl::string_view kJudged = "kube-router-local-pods";
inline constexpr absl::string_view kPolicy = "KUBE-NWPLCY-TEST";

SetMember Member(absl::string_view address);
SetContent Allowing(absl::string_view name,
                    std::initializer_list<absl::string_view> members);
SetContent Judging(Family family,
                   std::initializer_list<absl::string_view> members);
MemberChange Present(absl::string_view set, absl::string_view member);
MemberChange Absent(absl::string_view set, absl::string_view member);

// Accepts packets whose source is in the set.
Rule AcceptFrom(absl::string_view set);
Rule JumpTo(absl::string_view chain);

// The three hook chains, which send judged packets to kPolicy; kPolicy is empty
// and nothing is judged. For one family; IPv6 names carry the prefix.
RulesetChange Base(Family family);

// What was done to the kernel since the log was cleared, without the reads:
// "CreateSet KUBE-SRC-A".
std::vector<std::string> Deeds(const FakeDataplane& kernel);

class EngineTest : public testing::Test {
 protected:
  explicit EngineTest(std::vector<Family> families = {kV4})
      : engine_(&kernel_, std::move(families)) {}

  // Stages `change` and syncs, which must work without problems.
  SyncReport Apply(RulesetChange change);
  // Syncs, which must work; problems are the caller's.
  SyncReport Sync();

  std::vector<std::string> MembersInKernel(absl::string_view set) const;
  bool SetInKernel(absl::string_view set) const;
  // Rules of a chain as text; "no chain" if there is none.
  std::vector<std::string> RulesInKernel(Family family,
                                         absl::string_view chain) const;

  FakeDataplane kernel_;
  SyncEngine engine_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_SYNC_ENGINE_FIXTURE_H_
