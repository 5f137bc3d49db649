#include "netpol/dataplane/legacy/filter_table.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/dataplane/legacy/extension_support.h"
#include "netpol/dataplane/legacy/hook_jumps.h"
#include "netpol/dataplane/legacy/table_error.h"
#include "netpol/dataplane/legacy/xtables_lock.h"
#include "netpol/dataplane/table_change_check.h"

namespace netpol {
namespace {

constexpr int kAttempts = 5;

// Whether a writer that ignores the lock may be why the kernel said `error`:
// EAGAIN if the number of entries changed between reading and replacing, EINVAL
// if it did between replacing and adding the old counters. Then the change is
// in place, as the next reading shows, but counters are lost.
bool MayBeAnotherWriter(int error) {
  return error == EAGAIN || error == EINVAL;
}

absl::StatusOr<std::vector<EncodedChain>> EncodeChains(
    const TableChange& change, SetIndex& sets) {
  std::vector<EncodedChain> encoded;
  encoded.reserve(change.write.size());
  for (const Chain& chain : change.write) {
    EncodedChain& out = encoded.emplace_back();
    out.name = chain.name;
    out.rules.reserve(chain.rules.size());
    for (const Rule& rule : chain.rules) {
      absl::StatusOr<EntryParts> parts = EncodeRule(rule, change.family, sets);
      if (!parts.ok()) {
        return Annotate(parts.status(),
                        absl::StrCat("chain ", chain.name.value()));
      }
      out.rules.push_back(*std::move(parts));
    }
  }
  return encoded;
}

absl::StatusOr<bool> ChangeHooks(IptcHandle& handle, HookChange change) {
  switch (change) {
    case HookChange::kEnsure:
      return EnsureHooks(handle);
    case HookChange::kRemove:
      return RemoveHooks(handle);
    case HookChange::kNone:
      break;
  }
  return false;
}

// Edits `handle`; returns whether there is anything to write back. `kept` gets
// the chains that were to go and stay.
absl::StatusOr<bool> ApplyChange(const TableChange& change,
                                 absl::Span<const EncodedChain> chains,
                                 IptcHandle& handle,
                                 std::vector<KeptChain>& kept) {
  ChainEditor editor(handle);
  RETURN_IF_ERROR(editor.Write(chains));
  ASSIGN_OR_RETURN(const bool hooks_changed, ChangeHooks(handle, change.hooks));
  RETURN_IF_ERROR(editor.Remove(change.remove));
  kept = editor.kept();
  return editor.changed() || hooks_changed;
}

// "chains A, B, C and 7 more".
std::string NameChains(absl::Span<const EncodedChain> chains) {
  constexpr size_t kShown = 5;
  if (chains.empty()) return "no chain written";
  std::string text = absl::StrCat(
      "writing ",
      absl::StrJoin(chains.subspan(0, kShown), ", ",
                    [](std::string* out, const EncodedChain& chain) {
                      absl::StrAppend(out, chain.name.value());
                    }));
  if (chains.size() > kShown) {
    absl::StrAppend(&text, " and ", chains.size() - kShown, " more");
  }
  return text;
}

// What a refused commit means. The kernel says ENOENT both for a module it does
// not have and for a set that is gone.
absl::Status CommitError(Family family, absl::Span<const EncodedChain> chains,
                         int error, absl::string_view explanation) {
  const std::string step =
      absl::StrCat("committing (", NameChains(chains), ")");
  if (error == ELOOP) {
    return TableWriteError(family, step, error,
                           "the jumps of these chains make a loop");
  }
  if (error != ENOENT && error != EOPNOTSUPP && error != EPROTONOSUPPORT) {
    return TableWriteError(family, step, error, explanation);
  }
  const std::vector<std::string> missing =
      UnsupportedExtensions(family, chains);
  if (missing.empty()) {
    return absl::UnavailableError(absl::StrCat(
        step, " in the legacy ", FamilyName(family),
        " table filter: ", explanation, " (errno ", error,
        "); a set that the rules use is gone since it was looked up"));
  }
  return absl::UnimplementedError(
      absl::StrCat(step, " in the legacy ", FamilyName(family),
                   " table filter: the kernel has no ",
                   absl::StrJoin(missing, ", "), "; load its modules"));
}

}  // namespace

FilterTable::FilterTable(Family family, FilterTableOptions options)
    : family_(family), options_(options) {}

// Under the lock, or before a reading that may be newer: then what others do
// meanwhile shows as a difference.
void FilterTable::NoteShape() {
  const absl::StatusOr<TableShape> shape = ReadTableShape(family_);
  known_shape_.reset();
  if (shape.ok()) known_shape_ = *shape;
}

absl::StatusOr<bool> FilterTable::MayHaveChanged() {
  ASSIGN_OR_RETURN(const TableShape shape, ReadTableShape(family_));
  return shape != known_shape_;
}

absl::StatusOr<ObservedTable> FilterTable::Read() {
  const auto forget = absl::MakeCleanup([this] { sets_.Forget(); });
  NoteShape();
  ASSIGN_OR_RETURN(const IptcHandle handle, IptcHandle::Open(family_));
  ObservedTable table;
  for (const std::string& name : handle.Chains()) {
    if (!ChainName::IsOurs(name) || name.size() > ChainName::kMaxLength) {
      continue;
    }
    std::vector<Rule>& rules = table.chains[ChainName(name)];
    for (const EntryView& view : handle.Rules(name)) {
      absl::StatusOr<EntryParts> parts =
          Dissect(family_, view.entry, view.target);
      if (!parts.ok()) {
        return Annotate(parts.status(), absl::StrCat("reading chain ", name));
      }
      rules.push_back(DecodeRule(*parts, family_, sets_));
    }
  }
  ASSIGN_OR_RETURN(const HookState hooks, ReadHooks(handle));
  table.hooks_in_place = hooks.in_place;
  table.hooks_found = hooks.found;
  table.rules_before_hook = hooks.rules_before;
  return table;
}

absl::Status FilterTable::Commit(const TableChange& change) {
  RETURN_IF_ERROR(CheckTableChange(change, family_));
  kept_.clear();
  if (change.empty()) return absl::OkStatus();
  // Before the lock is taken: encoding needs no table.
  const auto forget = absl::MakeCleanup([this] { sets_.Forget(); });
  ASSIGN_OR_RETURN(const std::vector<EncodedChain> chains,
                   EncodeChains(change, sets_));
  ASSIGN_OR_RETURN(
      const XtablesLock lock,
      XtablesLock::Acquire(XtablesLock::DefaultPath(), options_.lock_timeout));
  return CommitEncoded(change, chains);
}

absl::Status FilterTable::CommitEncoded(const TableChange& change,
                                        absl::Span<const EncodedChain> chains) {
  // What others did since the last reading must not be hidden by ours.
  if (const auto changed = MayHaveChanged(); !changed.ok() || *changed)
    known_shape_.reset();
  absl::Status last;
  int error = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(IptcHandle handle, IptcHandle::Open(family_));
    ASSIGN_OR_RETURN(const bool changed,
                     ApplyChange(change, chains, handle, kept_));
    if (!changed) {
      if (error == EINVAL) ++commits_;
      return absl::OkStatus();
    }
    error = handle.Commit();
    if (error == 0) {
      ++commits_;
      if (known_shape_.has_value()) NoteShape();
      return absl::OkStatus();
    }
    last = CommitError(family_, chains, error, handle.Explain(error));
    if (!MayBeAnotherWriter(error)) return last;
  }
  return Annotate(last, absl::StrCat("tried ", kAttempts, " times"));
}

}  // namespace netpol
