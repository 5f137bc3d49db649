#include "netpol/dataplane/host/flavour_choice.h"

#include <string>
#include <utility>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/flavour.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

FlavourTraces Working() {
  FlavourTraces traces;
  traces.kernel = traces.programs = true;
  return traces;
}

FlavourTraces Broken(std::string obstacle) {
  FlavourTraces traces;
  traces.obstacle = std::move(obstacle);
  return traces;
}

absl::optional<Flavour> NoProgram() { return absl::nullopt; }

// Whichever of both has `richer`, it is taken, although the other one has all
// that weighs less.
void ExpectTaken(const FlavourTraces& richer, const FlavourTraces& poorer,
                 const std::string& reason) {
  const FlavourChoice legacy =
      ChooseFlavour(richer, poorer, [] { return Flavour::kNft; });
  EXPECT_EQ(legacy.flavour, Flavour::kLegacy) << legacy.reason;
  EXPECT_THAT(legacy.reason, AllOf(StartsWith("legacy: "), HasSubstr(reason)));
  const FlavourChoice nft =
      ChooseFlavour(poorer, richer, [] { return Flavour::kLegacy; });
  EXPECT_EQ(nft.flavour, Flavour::kNft) << nft.reason;
  EXPECT_THAT(nft.reason, AllOf(StartsWith("nft: "), HasSubstr(reason)));
}

TEST(FlavourChoiceTest, WhatCannotBeUsedIsNotTaken) {
  FlavourTraces broken = Broken("no such thing");
  broken.hint_chains = {"KUBE-IPTABLES-HINT"};
  broken.component_chains = {"KUBE-IPTABLES-HINT", "KUBE-SERVICES"};
  ExpectTaken(Working(), broken,
              "cannot be used here (no such thing), though 2 chains of "
              "Kubernetes components are in it");
  FlavourTraces without_programs = Broken("no program");
  without_programs.kernel = true;
  ExpectTaken(Working(), without_programs, "(no program)");
}

TEST(FlavourChoiceTest, AHintOfKubeletWeighsMoreThanAnyNumber) {
  FlavourTraces hinted = Working();
  hinted.hint_chains = {"KUBE-IPTABLES-HINT", "KUBE-IPTABLES-HINT"};
  hinted.component_chains = hinted.hint_chains;
  FlavourTraces many = Working();
  many.component_chains.assign(100, "KUBE-SVC-X");
  many.rules = 1000;
  many.our_chains = 10;
  ExpectTaken(hinted, many, "kubelet uses it (KUBE-IPTABLES-HINT); ");
}

TEST(FlavourChoiceTest, HintsInBothAreNone) {
  FlavourTraces more = Working();
  more.hint_chains = {"KUBE-KUBELET-CANARY"};
  more.component_chains = {"KUBE-KUBELET-CANARY", "KUBE-SERVICES", "CNI-DN-X"};
  FlavourTraces less = Working();
  less.hint_chains = {"KUBE-IPTABLES-HINT"};
  less.component_chains = {"KUBE-IPTABLES-HINT"};
  less.rules = 1000;
  ExpectTaken(more, less, "more chains of Kubernetes components, 3 against 1");
}

TEST(FlavourChoiceTest, RulesOfOthersWeighMoreThanOurs) {
  FlavourTraces more = Working();
  more.rules = 3;
  FlavourTraces less = Working();
  less.rules = 2;
  less.our_chains = 50;
  ExpectTaken(more, less, "more rules of others, 3 against 2");
}

TEST(FlavourChoiceTest, OursWeighMoreThanTheProgram) {
  FlavourTraces more = Working();
  more.our_chains = 5;
  ExpectTaken(more, Working(), "chains of ours or of kube-router, 5 against 0");
}

TEST(FlavourChoiceTest, TheProgramIsAskedWhereNothingElseTells) {
  for (Flavour flavour : kFlavours) {
    const FlavourChoice choice =
        ChooseFlavour(Working(), Working(), [flavour] { return flavour; });
    EXPECT_EQ(choice.flavour, flavour);
    EXPECT_THAT(choice.reason, HasSubstr("program iptables"));
  }
  FlavourTraces one_rule = Working();
  one_rule.rules = 1;
  ChooseFlavour(Working(), one_rule, [] {
    ADD_FAILURE() << "it was asked for nothing";
    return Flavour::kLegacy;
  });
}

TEST(FlavourChoiceTest, WithoutAnyHintItIsNft) {
  const FlavourChoice choice = ChooseFlavour(Working(), Working(), NoProgram);
  EXPECT_EQ(choice.flavour, Flavour::kNft);
  EXPECT_THAT(choice.reason, HasSubstr("legacy would work here too"));
}

TEST(FlavourChoiceTest, WhereNeitherWorksBothObstaclesAreTold) {
  FlavourTraces legacy = Broken("no ip_tables");
  legacy.rules = 1;
  const FlavourChoice choice =
      ChooseFlavour(legacy, Broken("no nf_tables"), NoProgram);
  EXPECT_EQ(choice.flavour, Flavour::kLegacy);
  EXPECT_THAT(choice.reason,
              HasSubstr("neither can be used here (no ip_tables; no nf_"));
  EXPECT_THAT(choice.reason, Not(HasSubstr("would work")));
}

TEST(FlavourChoiceTest, TheTracesAreHandedOn) {
  FlavourTraces nft = Working();
  nft.rules = 7;
  const FlavourChoice choice = ChooseFlavour(Broken("none"), nft, NoProgram);
  EXPECT_EQ(choice.of(Flavour::kNft).rules, 7u);
  EXPECT_EQ(choice.of(Flavour::kLegacy).obstacle, "none");
}

}  // namespace
}  // namespace netpol
