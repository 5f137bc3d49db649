#include "netpol/dataplane/table_change_check.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {

absl::Status CheckTableChange(const TableChange& change, Family family) {
  if (change.family != family) {
    return absl::InvalidArgumentError(
        absl::StrCat("a change of ", FamilyName(change.family),
                     " given to the table of ", FamilyName(family)));
  }
  absl::flat_hash_set<ChainName> seen;
  const auto check = [&](const ChainName& chain) -> absl::Status {
    if (!ChainName::IsOurs(chain.value())) {
      return absl::InvalidArgumentError(
          absl::StrCat("chain \"", chain.value(), "\" is not ours"));
    }
    if (!seen.insert(chain).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "chain ", chain.value(), " is named twice in one change"));
    }
    return absl::OkStatus();
  };
  for (const Chain& chain : change.write) RETURN_IF_ERROR(check(chain.name));
  for (const ChainName& chain : change.remove) RETURN_IF_ERROR(check(chain));
  return absl::OkStatus();
}

}  // namespace netpol
