// We start on a node where something else has enforced until now: what must
// pass passes and what must not does not, at every moment, and nothing old is
// left in the end.
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/hook_watch.h"
#include "tests/kernel/take_over/kube_router_layout.h"
#include "tests/kernel/take_over/kube_router_nft.h"
#include "tests/kernel/take_over/node_programs.h"
#include "tests/kernel/take_over/stored_layout.h"
#include "tests/kernel/take_over/take_over_cluster.h"
#include "tests/kernel/take_over/taken_node.h"
#include "tests/kernel/take_over/watched_traffic.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;
using ::testing::ElementsAreArray;

// What there was.
struct OldLayout {
  std::string name;
  std::function<absl::Status(const NetNs&, Flavour)> lay;
  // Ours, then; also its own, where packets to and from what is no pod are
  // watched.
  bool default_deny = false;
  // Has jumps that iptables shows.
  bool has_hooks = true;
};

OldLayout KubeRouter(std::string name, KubeRouterRelease release,
                     bool default_deny, const std::string& more_sets = "") {
  KubeRouterOptions options;
  options.node = kTakenNode;
  options.release = release;
  if (default_deny) options.pod_cidrs = TakenPodCidrs();
  return {std::move(name),
          [options, more_sets](const NetNs& ns, Flavour flavour) {
            KubeRouterText text = KubeRouterLayout(TakeOverCluster(), options);
            text.sets += more_sets;
            return Lay(text, flavour, ns);
          },
          default_deny};
}

// The set by whose members we judge, from another time: with the default deny
// on, or of a start of ours that was cut short.
constexpr char kEmptySets[] =
    "create kube-router-local-pods hash:ip timeout 0\n"
    "create inet6:kube-router-local-pods hash:ip family inet6 timeout 0\n";
constexpr char kStaleSets[] =
    "create kube-router-local-pods hash:ip timeout 0\n"
    "add kube-router-local-pods 10.42.0.10 timeout 0\n"
    "add kube-router-local-pods 10.42.0.77 timeout 0\n"
    "create inet6:kube-router-local-pods hash:ip family inet6\n"
    "add inet6:kube-router-local-pods fd00:42::77\n"
    // Half filled, half built.
    "create kube-router-pod-cidrs hash:net\n"
    "create kube-router-tmp-ABCDEFGHI hash:ip\n"
    "add kube-router-tmp-ABCDEFGHI 10.42.1.5\n"
    "create KUBE-SRC-AAAAAAAAAAAAAAAA hash:ip\n";

OldLayout KubeRouterInNft(std::string name, bool default_deny) {
  KubeRouterOptions options;
  options.node = kTakenNode;
  if (default_deny) options.pod_cidrs = TakenPodCidrs();
  return {std::move(name),
          [options](const NetNs& ns, Flavour) {
            return LayNft(KubeRouterNft(TakeOverCluster(), options), ns);
          },
          default_deny, /*has_hooks=*/false};
}

OldLayout OfOurs(std::string name, bool renamed) {
  return {std::move(name),
          [renamed](const NetNs& ns, Flavour flavour) -> absl::Status {
            ASSIGN_OR_RETURN(const KubeRouterText text, StoredLayout(renamed));
            return Lay(text, flavour, ns);
          },
          /*default_deny=*/true};
}

OldLayout WithoutOurDefaultDeny(OldLayout old) {
  old.default_deny = false;
  return old;
}

std::vector<OldLayout> OldLayouts() {
  using Release = KubeRouterRelease;
  return {
      KubeRouter("V2_6", Release::kV2_6, false),
      KubeRouter("V2_8", Release::kV2_8, false),
      KubeRouter("V2_10", Release::kV2_10, false),
      KubeRouter("V2_10DefaultDeny", Release::kV2_10, true),
      KubeRouter("V2_11", Release::kV2_11, false),
      KubeRouter("V2_11DefaultDeny", Release::kV2_11, true),
      KubeRouter("V2_11AndEmptySets", Release::kV2_11, false, kEmptySets),
      KubeRouter("V2_11AndStaleSets", Release::kV2_11, false, kStaleSets),
      WithoutOurDefaultDeny(
          KubeRouter("V2_11DefaultDenyEnds", Release::kV2_11, true)),
      KubeRouterInNft("Nftables", false),
      KubeRouterInNft("NftablesDefaultDeny", true),
      OfOurs("Ours", false),
      OfOurs("OursRenamed", true),
  };
}

struct TakeOver {
  OldLayout old;
  Flavour from;
  Flavour to;
};

std::vector<TakeOver> TakeOvers() {
  std::vector<TakeOver> all;
  for (const OldLayout& old : OldLayouts()) {
    for (const Flavour from : kFlavours) {
      for (const Flavour to : kFlavours) {
        if (old.has_hooks || from == to) all.push_back({old, from, to});
      }
    }
  }
  return all;
}

std::string NameOf(const TakeOver& t) {
  return absl::StrCat(t.old.name, "_from_", FlavourName(t.from), "_to_",
                      FlavourName(t.to));
}

void PrintTo(const TakeOver& take_over, std::ostream* os) {
  *os << NameOf(take_over);
}

class TakeOverTest : public LabFixture,
                     public testing::WithParamInterface<TakeOver> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = MakeTakenLab();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    for (const Flavour flavour : kFlavours)
      ASSERT_TRUE(LayForeignRules(node(), flavour).ok());
  }

  const NetNs& node() const { return lab_->node(); }

  Lines ListingOn(const NetNs& ns, Flavour flavour) {
    const absl::StatusOr<Lines> listing = Listing(ns, flavour);
    EXPECT_TRUE(listing.ok()) << listing.status();
    return listing.ok() ? *listing : Lines();
  }

  // What there is after a start where nothing was before.
  Lines FreshListing(const Enforcement& enforcement) {
    const absl::StatusOr<NetNs> ns = NetNs::Create();
    EXPECT_TRUE(ns.ok()) << ns.status();
    for (const Flavour flavour : kFlavours)
      EXPECT_TRUE(LayForeignRules(*ns, flavour).ok());
    Enforcement quiet = enforcement;
    quiet.after = [](absl::string_view) {};
    const absl::Status enforced = EnforceOn(*ns, TakeOverCluster(), quiet);
    EXPECT_TRUE(enforced.ok()) << enforced;
    return ListingOn(*ns, enforcement.flavour);
  }

  std::unique_ptr<PacketLab> lab_;
};

TEST_P(TakeOverTest, EnforcementNeverLapsesAndNothingOldIsLeft) {
  const TakeOver& take_over = GetParam();
  ASSERT_TRUE(take_over.old.lay(node(), take_over.from).ok());
  Lines foreign[2];
  for (const Flavour flavour : kFlavours)
    foreign[static_cast<int>(flavour)] = Foreign(ListingOn(node(), flavour));

  auto traffic = WatchedTraffic::Begin(
      lab_.get(), TakeOverFlows(take_over.old.default_deny));
  ASSERT_TRUE(traffic.ok()) << traffic.status();
  (*traffic)->Note("as it was");
  (*traffic)->AwaitRound();
  std::vector<Flavour> flavours = {take_over.from};
  if (take_over.from != take_over.to) flavours.push_back(take_over.to);
  Lines hook_faults;
  Enforcement enforcement;
  enforcement.flavour = take_over.to;
  enforcement.default_deny = take_over.old.default_deny;
  Lines steps;
  enforcement.after = [&](absl::string_view step) {
    steps.emplace_back(step);
    (*traffic)->Note(absl::StrCat("after step ", steps.size(), ", ", step));
    // The kernel lets go of no set that matters to a packet.
    if (absl::StartsWith(step, "destroyed")) return;
    (*traffic)->AwaitRound();
    if (!take_over.old.has_hooks || absl::StrContains(step, " KUBE-")) return;
    const std::string fault = HookFault(node(), flavours);
    if (!fault.empty())
      hook_faults.push_back(absl::StrCat("after ", step, ": ", fault));
  };
  const absl::Time begin = absl::Now();
  if (take_over.old.has_hooks) {
    HookWatch watch(&node(), flavours);
    const absl::Status enforced =
        EnforceOn(node(), TakeOverCluster(), enforcement);
    EXPECT_TRUE(enforced.ok()) << enforced;
    EXPECT_EQ(watch.End(), "");
    EXPECT_GT(watch.looks(), 0);
  } else {
    const absl::Status enforced =
        EnforceOn(node(), TakeOverCluster(), enforcement);
    EXPECT_TRUE(enforced.ok()) << enforced;
  }
  const absl::Duration took = absl::Now() - begin;
  const absl::StatusOr<TrafficTally> tally = (*traffic)->End();
  ASSERT_TRUE(tally.ok()) << tally.status();
  EXPECT_EQ(tally->wrong, 0) << absl::StrJoin(tally->stories, "\n")
                             << "\nsteps: " << absl::StrJoin(steps, ", ");
  EXPECT_EQ(absl::StrJoin(hook_faults, "\n"), "");
  EXPECT_EQ(HookFault(node(), {take_over.to}), "");

  const absl::StatusOr<std::string> tables =
      RunOn(node(), {"nft", "list", "tables"});
  ASSERT_TRUE(tables.ok()) << tables.status();
  EXPECT_FALSE(absl::StrContains(*tables, "kube-router")) << *tables;
  for (const Flavour flavour : kFlavours) {
    const Lines now = ListingOn(node(), flavour);
    EXPECT_THAT(Foreign(now),
                ElementsAreArray(foreign[static_cast<int>(flavour)]));
    if (flavour == take_over.to) {
      EXPECT_THAT(Uncounted(now),
                  ElementsAreArray(Uncounted(FreshListing(enforcement))));
    }
  }
  std::cout << NameOf(take_over) << ": " << steps.size() << " steps, "
            << tally->packets << " packets in " << tally->rounds << " rounds, "
            << tally->wrong << " judged wrongly, " << absl::FormatDuration(took)
            << "\n";
}

INSTANTIATE_TEST_SUITE_P(Layouts, TakeOverTest, testing::ValuesIn(TakeOvers()),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace netpol
