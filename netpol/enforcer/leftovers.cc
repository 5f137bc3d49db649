#include "netpol/enforcer/leftovers.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/enforcer/older_nft_table.h"
#include "netpol/enforcer/sync_summary.h"
#include "netpol/enforcer/table_removal.h"

namespace netpol {
namespace {

std::string TextOf(Flavour flavour, Family family,
                   const TableRemoval& removal) {
  const auto count = [](size_t n) { return static_cast<uint32_t>(n); };
  return absl::StrCat(
      "what an earlier enforcement left in the ", FlavourName(flavour), " ",
      FamilyName(family), " table filter: ",
      Counted(count(removal.chains.size()), "chain", "chains"), " with ",
      Counted(count(removal.rules()), "rule", "rules"), ", ",
      Counted(count(removal.hooks), "jump", "jumps"));
}

// One sweep.
class Sweep {
 public:
  explicit Sweep(absl::Duration lock_timeout) : lock_timeout_(lock_timeout) {}

  void Table(Flavour flavour, Family family) {
    const absl::StatusOr<TableRemoval> removed =
        RemoveOurTable(flavour, family, lock_timeout_);
    if (!removed.ok()) {
      Failed(removed.status(),
             absl::StrCat("removing our rules from the ", FlavourName(flavour),
                          " ", FamilyName(family), " table filter"));
      return;
    }
    if (!removed->chains.empty() || removed->hooks > 0) {
      told_.push_back(
          absl::StrCat("removed ", TextOf(flavour, family, *removed)));
    }
    for (const KeptChain& kept : removed->kept) {
      told_.push_back(absl::StrCat(
          FlavourName(flavour), " ", FamilyName(family), " chain ",
          kept.chain.value(), ": emptied, but not deleted: a rule of chain ",
          kept.referrer, ", which is not ours, leads to it; remove that rule"));
    }
  }

  // Of kube-router's nftables mode.
  void OlderTable(Family family) {
    const absl::StatusOr<bool> removed = RemoveOlderNftTable(family);
    const absl::string_view name = OlderNftTable(family);
    if (!removed.ok()) {
      Failed(removed.status(), absl::StrCat("removing nftables table ", name));
    } else if (*removed) {
      told_.push_back(
          absl::StrCat("removed kube-router's nftables table ", name));
    }
  }

  // Once no rule of ours is left that uses them.
  void Sets(Family family) {
    const absl::Status status = DestroySets(family);
    if (!status.ok()) {
      Failed(status,
             absl::StrCat("removing our ", FamilyName(family), " sets"));
    }
  }

  void Failed(const absl::Status& status, absl::string_view step) {
    if (status_.ok()) status_ = Annotate(status, step);
  }

  SweepReport Take() { return {std::move(told_), status_}; }

 private:
  absl::Status DestroySets(Family family) {
    ASSIGN_OR_RETURN(const std::unique_ptr<SetTable> sets, SetTable::Create());
    ASSIGN_OR_RETURN(const auto sizes, sets->Sizes({family}));
    absl::Status last;
    uint32_t destroyed = 0;
    uint32_t in_use = 0;
    for (const auto& [name, size] : sizes) {
      const absl::Status status = sets->DestroySet(name);
      if (status.ok()) {
        ++destroyed;
      } else if (absl::IsUnavailable(status)) {
        ++in_use;
      } else {
        last = status;
      }
    }
    if (in_use > 0) {
      told_.push_back(absl::StrCat(
          Counted(in_use, "set", "sets"), " of ", FamilyName(family),
          ", which is off, left: rules of others use them; netpolctl cleanup "
          "says which"));
    }
    if (destroyed > 0) {
      told_.push_back(absl::StrCat("removed ",
                                   Counted(destroyed, "set", "sets"), " of ",
                                   FamilyName(family), ", which is off"));
    }
    return last;
  }

  const absl::Duration lock_timeout_;
  std::vector<std::string> told_;
  absl::Status status_;
};

}  // namespace

SweepReport SweepLeftovers(Flavour flavour, const std::vector<Family>& families,
                           absl::Duration lock_timeout) {
  Sweep sweep(lock_timeout);
  for (Family family : kFamilies) {
    const bool enforced =
        std::find(families.begin(), families.end(), family) != families.end();
    if (!enforced) sweep.Table(flavour, family);
    sweep.Table(OtherFlavour(flavour), family);
    sweep.OlderTable(family);
    if (!enforced) sweep.Sets(family);
  }
  return sweep.Take();
}

absl::StatusOr<std::vector<std::string>> FindLeftovers(
    Flavour flavour, const std::vector<Family>& families) {
  std::vector<std::string> found;
  const auto look = [&](Flavour where, Family family) -> absl::Status {
    ASSIGN_OR_RETURN(const TableRemoval table, FindOurTable(where, family));
    if (!table.empty()) found.push_back(TextOf(where, family, table));
    return absl::OkStatus();
  };
  for (Family family : kFamilies) {
    const bool enforced =
        std::find(families.begin(), families.end(), family) != families.end();
    if (!enforced) RETURN_IF_ERROR(look(flavour, family));
    RETURN_IF_ERROR(look(OtherFlavour(flavour), family));
    ASSIGN_OR_RETURN(const bool older, HasOlderNftTable(family));
    if (older) {
      found.push_back(
          absl::StrCat("kube-router's nftables table ", OlderNftTable(family)));
    }
  }
  return found;
}

}  // namespace netpol
