#include "netpol/enforcer/health.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "netpol/enforcer/kind_name.h"

namespace netpol {
namespace {

// Kinds that are not heard for the same reason.
struct SilentKinds {
  std::vector<absl::string_view> kinds;
  std::string error;
  bool listed = false;
  bool trouble = false;
  absl::Time since = absl::InfiniteFuture();
};

// One verdict in the making. Steps are called in the order in which their
// reasons are to stand.
class Judge {
 public:
  Judge(const EnforcerState& state, absl::Time now, const HealthLimits& limits)
      : state_(state), loop_(state.loop), now_(now), limits_(limits) {}

  void LookAtThreads();
  void LookAtKernel();
  void LookAtSyncs();
  void LookAtPending();
  void LookAtStart();
  void LookAtSource();
  void LookAtKinds();
  void LookAtNotes();
  // Instead of all but the threads.
  void LookAtCleanup();
  HealthVerdict Take();

 private:
  // `cause` says it without what changes by itself.
  void Say(bool trouble, const std::string& cause, const std::string& text);
  // "3m12s" since `since`, or "0s" if a clock was set back.
  std::string For(absl::Time since) const;
  // `since`, or the start where it is not known.
  absl::Time FromStart(absl::Time since) const {
    return since == absl::InfiniteFuture() || since == absl::InfinitePast()
               ? state_.started
               : since;
  }
  bool Longer(absl::Time since, absl::Duration limit) const {
    return since != absl::InfinitePast() && now_ - since > limit;
  }
  std::vector<SilentKinds> Silent() const;

  const EnforcerState& state_;
  const LoopHealth& loop_;
  const absl::Time now_;
  const HealthLimits& limits_;
  HealthVerdict verdict_;
};

void Judge::Say(bool trouble, const std::string& cause,
                const std::string& text) {
  if (trouble) verdict_.healthy = false;
  const absl::string_view mark = trouble ? "" : "note: ";
  verdict_.reasons.push_back(absl::StrCat(mark, text));
  verdict_.causes.push_back(absl::StrCat(mark, cause));
}

std::string Judge::For(absl::Time since) const {
  const absl::Duration past = absl::Trunc(now_ - since, absl::Seconds(1));
  if (past <= absl::ZeroDuration()) return "0s";
  return absl::FormatDuration(past);
}

void Judge::LookAtThreads() {
  const absl::Time beat = FromStart(state_.last_beat);
  verdict_.alive = !Longer(beat, limits_.beat);
  if (verdict_.alive) return;
  Say(true, "the enforcer's threads hang",
      absl::StrCat("the enforcer's threads hang, for ", For(beat),
                   ": no change reaches the kernel; start the process again, "
                   "enforcement stays in place meanwhile"));
}

void Judge::LookAtKernel() {
  if (!state_.kernel_open) {
    const std::string cause = "the kernel cannot be opened";
    Say(true, cause,
        absl::StrCat(cause, ", for ", For(state_.started),
                     ": nothing is enforced by this process yet, and it is "
                     "tried again; netpolctl check says what is missing"));
  }
  for (const std::string& problem : state_.kernel_problems)
    Say(true, problem, problem);
  if (!state_.leftovers.empty()) {
    Say(true, "old rules could not be removed",
        absl::StrCat("rules of an earlier enforcement stand beside ours and "
                     "may refuse what is allowed; it is tried again: ",
                     state_.leftovers));
  }
}

void Judge::LookAtSyncs() {
  if (!loop_.last_error.ok()) {
    const std::string error(loop_.last_error.message());
    const bool ever = loop_.last_success != absl::InfinitePast();
    Say(true, absl::StrCat("the last synchronisation failed: ", error),
        absl::StrCat(
            "the last synchronisation failed, the last good one was ",
            ever ? absl::StrCat(For(loop_.last_success), " ago") : "never",
            ": ", error, "; what was enforced stays, and it is tried again"));
    return;
  }
  // It is never further away than the next reading of the kernel.
  const absl::Duration limit = state_.sync_period + limits_.pending;
  if (loop_.synced_once && state_.sync_period > absl::ZeroDuration() &&
      Longer(loop_.last_success, limit)) {
    Say(true, "the kernel was not read again in its period",
        absl::StrCat("the last good synchronisation was ",
                     For(loop_.last_success),
                     " ago, though the kernel is to be read every ",
                     absl::FormatDuration(state_.sync_period),
                     ": what others change stays unnoticed; if this lasts, "
                     "start the process again"));
  }
}

void Judge::LookAtPending() {
  // Before all is known, that is the reason, and has its own limit.
  if (!loop_.waiting_for.empty()) return;
  if (!Longer(loop_.oldest_pending, limits_.pending)) return;
  Say(true, "changes wait too long for the kernel",
      absl::StrCat(loop_.pending, loop_.pending == 1 ? " change" : " changes",
                   " not in the kernel yet, the oldest for ",
                   For(loop_.oldest_pending),
                   ": policies as they were before are enforced; see the log "
                   "for what holds them up"));
}

void Judge::LookAtStart() {
  if (!state_.kernel_open || loop_.synced_once) return;
  if (!loop_.waiting_for.empty()) {
    const absl::Time since = FromStart(loop_.waiting_since);
    Say(Longer(since, limits_.waiting),
        absl::StrCat("nothing is enforced yet: ", loop_.waiting_for),
        absl::StrCat("nothing is enforced by this process yet, for ",
                     For(since), ": ", loop_.waiting_for));
    return;
  }
  if (!loop_.last_error.ok()) return;  // that is why
  // It may begin as late as the objects came.
  Say(Longer(state_.started, limits_.waiting + limits_.pending),
      "the first synchronisation is not done",
      absl::StrCat("the first synchronisation is not done, ",
                   For(state_.started),
                   " after the start: wait; if it lasts, see the log"));
}

void Judge::LookAtSource() {
  if (state_.source_error.empty()) return;
  const absl::Time since = FromStart(state_.source_failing_since);
  const bool known = loop_.synced_once;
  Say(!known || Longer(since, limits_.source),
      absl::StrCat("the source of objects cannot be read: ",
                   state_.source_error),
      absl::StrCat("the source of objects cannot be read, for ", For(since),
                   ": ", state_.source_error,
                   known ? "; what was told before stays enforced" : ""));
}

std::vector<SilentKinds> Judge::Silent() const {
  std::vector<SilentKinds> all;
  for (const FollowedKind& kind : state_.followed) {
    if (kind.failing_since == absl::InfiniteFuture()) continue;
    const bool trouble =
        !kind.listed || Longer(kind.failing_since, limits_.source);
    auto it = std::find_if(all.begin(), all.end(), [&](const SilentKinds& s) {
      return s.error == kind.error && s.listed == kind.listed &&
             s.trouble == trouble;
    });
    if (it == all.end())
      it = all.insert(it, {{}, kind.error, kind.listed, trouble});
    it->kinds.push_back(KindInWords(kind.kind));
    it->since = std::min(it->since, kind.failing_since);
  }
  return all;
}

void Judge::LookAtKinds() {
  for (const SilentKinds& silent : Silent()) {
    const std::string what = absl::StrCat(
        absl::StrJoin(silent.kinds, ", "),
        silent.listed ? " cannot be followed" : " cannot be listed");
    const std::string error =
        silent.error.empty() ? "the server does not answer" : silent.error;
    Say(silent.trouble, absl::StrCat(what, ": ", error),
        absl::StrCat(what, ", for ", For(silent.since), ": ", error,
                     silent.listed ? "; what was told before stays enforced, "
                                     "and later changes do not arrive"
                                   : ""));
  }
}

void Judge::LookAtNotes() {
  if (!state_.flavour_advice.empty())
    Say(false, state_.flavour_advice, state_.flavour_advice);
  if (loop_.policies_in_error > 0) {
    Say(false, "network policies with problems",
        absl::StrCat(loop_.policies_in_error,
                     loop_.policies_in_error == 1
                         ? " network policy has problems, and isolates its pods"
                         : " network policies have problems, and isolate their "
                           "pods",
                     " as far as can be understood; the log names each"));
  }
  if (state_.source_problems > 0) {
    Say(false, "objects with problems",
        absl::StrCat(state_.source_problems,
                     state_.source_problems == 1 ? " object or file"
                                                 : " objects or files",
                     " could not be taken without a problem; the log names "
                     "each"));
  }
  for (const std::string& problem : loop_.node_problems)
    Say(false, problem, problem);
}

void Judge::LookAtCleanup() {
  for (const std::string& problem : state_.kernel_problems)
    Say(true, problem, problem);
  const std::string state =
      state_.cleaned
          ? "disabled: network policies are not enforced, and nothing of ours "
            "is in the kernel"
          : "disabled: what is ours is being taken out of the kernel";
  Say(false, state, state);
}

HealthVerdict Judge::Take() {
  verdict_.ready = state_.disabled ? state_.cleaned
                                   : state_.kernel_open && loop_.synced_once;
  return std::move(verdict_);
}

}  // namespace

HealthVerdict JudgeHealth(const EnforcerState& state, absl::Time now,
                          const HealthLimits& limits) {
  Judge judge(state, now, limits);
  judge.LookAtThreads();
  if (state.disabled) {
    judge.LookAtCleanup();
    return judge.Take();
  }
  judge.LookAtKernel();
  judge.LookAtSyncs();
  judge.LookAtStart();
  judge.LookAtPending();
  judge.LookAtSource();
  judge.LookAtKinds();
  judge.LookAtNotes();
  return judge.Take();
}

}  // namespace netpol
