#include "netpol/dataplane/legacy/chain_editor.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/sync/edit_script.h"

namespace netpol {
namespace {

// Small numbers for entries, equal for equal ones.
class EntryNumbers {
 public:
  int Of(const EntryParts& parts) {
    return numbers_.try_emplace(parts, static_cast<int>(numbers_.size()))
        .first->second;
  }
  // For an entry that cannot be taken apart and so equals no other.
  int OfUnknown() { return --last_unknown_; }

 private:
  absl::flat_hash_map<EntryParts, int> numbers_;
  int last_unknown_ = 0;
};

std::vector<int> NumberKernelRules(const IptcHandle& handle,
                                   const std::string& chain,
                                   EntryNumbers& numbers) {
  std::vector<int> result;
  for (const EntryView& view : handle.Rules(chain)) {
    absl::StatusOr<EntryParts> parts =
        Dissect(handle.family(), view.entry, view.target);
    result.push_back(parts.ok() ? numbers.Of(*parts) : numbers.OfUnknown());
  }
  return result;
}

// A name that stands for no chain.
bool IsVerdict(const std::string& name) {
  return name == "ACCEPT" || name == "DROP" || name == "RETURN" ||
         name == "QUEUE";
}

}  // namespace

absl::Status ChainEditor::Write(absl::Span<const EncodedChain> chains) {
  // All chains first: rules may lead to any of them.
  for (const EncodedChain& chain : chains) {
    if (handle_.HasChain(chain.name.value())) continue;
    RETURN_IF_ERROR(handle_.CreateChain(chain.name.value()));
    changed_ = true;
  }
  for (const EncodedChain& chain : chains) {
    RETURN_IF_ERROR(CheckTargets(chain));
    RETURN_IF_ERROR(EditRules(chain));
  }
  return absl::OkStatus();
}

absl::Status ChainEditor::CheckTargets(const EncodedChain& chain) {
  for (const EntryParts& rule : chain.rules) {
    const std::string& target = rule.target.name;
    if (!rule.verdict || IsVerdict(target)) continue;
    if (!known_targets_.insert(target).second) continue;
    // Without this libiptc would take the name for a target module's.
    if (!handle_.HasChain(target) || handle_.IsBuiltin(target)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "a rule of chain ", chain.name.value(), " of the ",
          FamilyName(handle_.family()), " table filter leads to chain ", target,
          ", which ",
          handle_.HasChain(target) ? "is a built-in one" : "does not exist"));
    }
  }
  return absl::OkStatus();
}

absl::Status ChainEditor::EditRules(const EncodedChain& chain) {
  const std::string& name = chain.name.value();
  EntryNumbers numbers;
  const std::vector<int> from = NumberKernelRules(handle_, name, numbers);
  std::vector<int> to;
  to.reserve(chain.rules.size());
  for (const EntryParts& rule : chain.rules) to.push_back(numbers.Of(rule));

  unsigned int position = 0;
  auto wanted = chain.rules.begin();
  for (const Edit edit : EditScript(from, to)) {
    if (edit == Edit::kDelete) {
      RETURN_IF_ERROR(handle_.DeleteAt(name, position));
      changed_ = true;
      continue;
    }
    if (edit == Edit::kInsert) {
      RETURN_IF_ERROR(handle_.InsertAt(name, position,
                                       Assemble(handle_.family(), *wanted)));
      changed_ = true;
    }
    ++position;
    ++wanted;
  }
  return absl::OkStatus();
}

absl::Status ChainEditor::Remove(absl::Span<const ChainName> chains) {
  std::vector<ChainName> present;
  for (const ChainName& chain : chains) {
    if (handle_.HasChain(chain.value())) present.push_back(chain);
  }
  // They may lead to one another.
  for (const ChainName& chain : present) {
    if (handle_.Rules(chain.value()).empty()) continue;
    RETURN_IF_ERROR(handle_.FlushChain(chain.value()));
    changed_ = true;
  }
  for (const ChainName& chain : present) {
    ASSIGN_OR_RETURN(std::string referrer, ForeignReferrer(chain));
    if (!referrer.empty()) {
      kept_.push_back({chain, std::move(referrer)});
      continue;
    }
    RETURN_IF_ERROR(handle_.DeleteChain(chain.value()));
    changed_ = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ChainEditor::ForeignReferrer(
    const ChainName& chain) const {
  ASSIGN_OR_RETURN(const unsigned int references,
                   handle_.References(chain.value()));
  if (references == 0) return std::string();
  std::string foreign;
  for (const std::string& other : handle_.Chains()) {
    for (const EntryView& view : handle_.Rules(other)) {
      if (view.target != chain.value()) continue;
      if (ChainName::IsOurs(other)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "chain ", chain.value(), " of the ", FamilyName(handle_.family()),
            " table filter cannot be deleted: a rule of chain ", other,
            " leads to it (", references, " in all); remove that rule first"));
      }
      foreign = other;
    }
  }
  return foreign;
}

}  // namespace netpol
