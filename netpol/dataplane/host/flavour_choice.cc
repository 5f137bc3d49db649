#include "netpol/dataplane/host/flavour_choice.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

struct Verdict {
  Flavour flavour = Flavour::kLegacy;
  std::string why;
};

// Whichever has more of what is counted; neither, if both have as many.
absl::optional<Verdict> More(
    const FlavourChoice& choice,
    const std::function<size_t(const FlavourTraces&)>& count,
    absl::string_view things) {
  const size_t legacy = count(choice.of(Flavour::kLegacy));
  const size_t nft = count(choice.of(Flavour::kNft));
  if (legacy == nft) return absl::nullopt;
  const Flavour flavour = legacy > nft ? Flavour::kLegacy : Flavour::kNft;
  return Verdict{flavour, absl::StrCat("it has more ", things, ", ",
                                       legacy > nft ? legacy : nft, " against ",
                                       legacy > nft ? nft : legacy)};
}

absl::optional<Verdict> OnlyOneThatWorks(const FlavourChoice& choice) {
  for (Flavour flavour : kFlavours) {
    const FlavourTraces& other = choice.of(OtherFlavour(flavour));
    if (!choice.of(flavour).works() || other.works()) continue;
    Verdict verdict{
        flavour, absl::StrCat(FlavourName(OtherFlavour(flavour)),
                              " cannot be used here (", other.obstacle, ")")};
    if (!other.component_chains.empty()) {
      absl::StrAppend(&verdict.why, ", though ", other.component_chains.size(),
                      " chains of Kubernetes components are in it");
    }
    return verdict;
  }
  return absl::nullopt;
}

absl::optional<Verdict> OnlyOneWithHints(const FlavourChoice& choice) {
  for (Flavour flavour : kFlavours) {
    const std::vector<std::string>& hints = choice.of(flavour).hint_chains;
    if (hints.empty() || !choice.of(OtherFlavour(flavour)).hint_chains.empty())
      continue;
    const std::set<std::string> names(hints.begin(), hints.end());
    return Verdict{flavour, absl::StrCat("kubelet uses it (",
                                         absl::StrJoin(names, ", "), ")")};
  }
  return absl::nullopt;
}

Verdict Judge(const FlavourChoice& choice,
              const std::function<absl::optional<Flavour>()>& ask_program) {
  if (auto only = OnlyOneThatWorks(choice)) return *only;
  if (auto hinted = OnlyOneWithHints(choice)) return *hinted;
  if (auto more = More(
          choice,
          [](const FlavourTraces& of) { return of.component_chains.size(); },
          "chains of Kubernetes components")) {
    return *more;
  }
  if (auto more = More(
          choice, [](const FlavourTraces& of) { return of.rules; },
          "rules of others")) {
    return *more;
  }
  if (auto more = More(
          choice, [](const FlavourTraces& of) { return of.our_chains; },
          "chains of ours or of kube-router")) {
    return *more;
  }
  if (const absl::optional<Flavour> program = ask_program())
    return {*program, "no rules tell, and it is that of the program iptables"};
  return {Flavour::kNft, "nothing tells, and it is that of new hosts"};
}

// About the flavour that was not taken.
std::string Alternative(const FlavourChoice& choice) {
  const Flavour other = OtherFlavour(choice.flavour);
  const FlavourTraces& traces = choice.of(other);
  if (traces.works())
    return absl::StrCat("; ", FlavourName(other), " would work here too");
  if (choice.of(choice.flavour).works()) return "";
  return absl::StrCat("; neither can be used here (",
                      choice.of(choice.flavour).obstacle, "; ", traces.obstacle,
                      ")");
}

}  // namespace

FlavourChoice ChooseFlavour(
    FlavourTraces legacy, FlavourTraces nft,
    const std::function<absl::optional<Flavour>()>& ask_program) {
  FlavourChoice choice;
  choice.traces[static_cast<int>(Flavour::kLegacy)] = std::move(legacy);
  choice.traces[static_cast<int>(Flavour::kNft)] = std::move(nft);
  Verdict verdict = Judge(choice, ask_program);
  choice.flavour = verdict.flavour;
  choice.reason = absl::StrCat(FlavourName(choice.flavour), ": ", verdict.why,
                               Alternative(choice));
  return choice;
}

}  // namespace netpol
