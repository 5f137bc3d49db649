#include "tests/kernel/walk/walk_shrinker.h"

#include <algorithm>
#include <vector>

#include "absl/time/clock.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/shrink.h"
#include "tests/kernel/walk/walk_run.h"

namespace netpol {
namespace {

// The last `count` steps, after one that tells the cluster as it stood.
v1::Walk TailOf(const v1::Walk& walk, int count) {
  Cluster cluster;
  v1::Walk tail;
  *tail.mutable_probe() = walk.probe();
  const int first = walk.step_size() - count;
  for (int i = 0; i < first; ++i) {
    for (const v1::WatchEvent& event : walk.step(i).event()) {
      ApplyEvent(event, cluster);
    }
  }
  v1::WalkStep* start = tail.add_step();
  for (const v1::WatchEvent& event : ListingOf(cluster)) {
    if (event.type() == v1::WatchEvent::UPSERT) *start->add_event() = event;
  }
  for (int i = first; i < walk.step_size(); ++i) {
    *tail.add_step() = walk.step(i);
  }
  return tail;
}

int CountEvents(const v1::Walk& walk) {
  int count = 0;
  for (const v1::WalkStep& step : walk.step()) count += step.event_size();
  return count;
}

// `walk` with only these of its events, counted through.
v1::Walk WithEvents(const v1::Walk& walk, const std::vector<size_t>& kept) {
  v1::Walk result;
  *result.mutable_probe() = walk.probe();
  size_t position = 0;
  for (const v1::WalkStep& step : walk.step()) {
    v1::WalkStep some = step;
    some.clear_event();
    for (const v1::WatchEvent& event : step.event()) {
      if (std::binary_search(kept.begin(), kept.end(), position)) {
        *some.add_event() = event;
      }
      ++position;
    }
    const bool idle = some.event_size() == 0 && !some.restart() &&
                      !some.resync() && !some.forget_connections() &&
                      some.tampering_size() == 0;
    if (!idle) *result.add_step() = some;
  }
  return result;
}

// Else one search would end with what is wrong for another reason.
bool Alike(const WalkFailure& a, const WalkFailure& b) {
  return a.law == b.law && a.let_through == b.let_through;
}

bool ProbesAreWhole(const v1::Walk& walk) {
  return std::all_of(walk.probe().begin(), walk.probe().end(),
                     [](const v1::WalkProbe& probe) {
                       return probe.has_protocol() && probe.has_port();
                     });
}

}  // namespace

absl::StatusOr<v1::Walk> ShrinkWalk(const WalkSetup& setup,
                                    const v1::Walk& walk,
                                    const WalkFailure& failure,
                                    absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  const auto may_go_on = [deadline] { return absl::Now() < deadline; };
  const auto fails = [&](const v1::Walk& candidate) {
    if (!ProbesAreWhole(candidate)) return false;
    const absl::StatusOr<std::vector<WalkFailure>> failures =
        WalkAlong(setup, candidate);
    return failures.ok() && std::any_of(failures->begin(), failures->end(),
                                        [&](const WalkFailure& other) {
                                          return Alike(other, failure);
                                        });
  };

  v1::Walk shortest = walk;
  int steps = 0;
  while (steps < walk.step_size() && !fails(TailOf(walk, steps))) {
    steps = steps == 0 ? 1 : 2 * steps;
    if (!may_go_on()) return walk;
  }
  if (steps < walk.step_size()) {
    shortest = TailOf(walk, steps);
  } else if (!fails(walk)) {
    return absl::NotFoundError("the walk does not go wrong a second time");
  }

  const auto fails_with = [&](const std::vector<size_t>& kept) {
    return fails(WithEvents(shortest, kept));
  };
  const std::vector<size_t> kept = ShrinkList(
      static_cast<size_t>(CountEvents(shortest)), fails_with, may_go_on);
  shortest = WithEvents(shortest, kept);

  ShrinkMessage(
      [&](const google::protobuf::Message& message) {
        return fails(static_cast<const v1::Walk&>(message));
      },
      may_go_on, shortest);
  return shortest;
}

}  // namespace netpol
