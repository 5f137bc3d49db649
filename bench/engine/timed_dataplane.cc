#include "bench/engine/timed_dataplane.h"

namespace netpol {
namespace {

// Runs `call`, adds what it took to `cost`, then `note`, and all of it to
// `inside`.
template <typename Call, typename Note>
auto Timed(Cost& cost, Cost& inside, const Call& call, const Note& note) {
  const CostWatch outer;
  const CostWatch inner;
  auto result = call();
  cost += inner.Elapsed();
  note();
  inside += outer.Elapsed();
  return result;
}

PlannedMembers Noted(const SetSpec& spec, absl::Span<const SetMember> members) {
  return {spec, {members.begin(), members.end()}};
}

}  // namespace

absl::StatusOr<Snapshot> TimedDataplane::Read(
    absl::Span<const Family> families) {
  return Timed(
      calls_.reads, calls_.inside,
      [&] { return ForwardingDataplane::Read(families); }, [] {});
}

absl::Status TimedDataplane::CreateSet(const SetSpec& spec,
                                       absl::Span<const SetMember> members) {
  return Timed(
      calls_.sets, calls_.inside,
      [&] { return ForwardingDataplane::CreateSet(spec, members); },
      [&] { calls_.created.push_back(Noted(spec, members)); });
}

absl::Status TimedDataplane::AddMembers(const SetSpec& spec,
                                        absl::Span<const SetMember> members) {
  return Timed(
      calls_.edits, calls_.inside,
      [&] { return ForwardingDataplane::AddMembers(spec, members); },
      [&] {
        calls_.edited.push_back({MemberCommand::kAdd, Noted(spec, members)});
      });
}

absl::Status TimedDataplane::RemoveMembers(
    const SetSpec& spec, absl::Span<const SetMember> members) {
  return Timed(
      calls_.edits, calls_.inside,
      [&] { return ForwardingDataplane::RemoveMembers(spec, members); },
      [&] {
        calls_.edited.push_back({MemberCommand::kRemove, Noted(spec, members)});
      });
}

absl::Status TimedDataplane::ReplaceSet(const SetSpec& spec,
                                        absl::Span<const SetMember> members) {
  return Timed(
      calls_.sets, calls_.inside,
      [&] { return ForwardingDataplane::ReplaceSet(spec, members); },
      [&] {
        calls_.created.push_back(Noted(spec, members));
        ++calls_.sets_destroyed;
      });
}

absl::Status TimedDataplane::DestroySet(const SetName& name) {
  return Timed(
      calls_.sets, calls_.inside,
      [&] { return ForwardingDataplane::DestroySet(name); },
      [&] { ++calls_.sets_destroyed; });
}

absl::Status TimedDataplane::CommitTable(const TableChange& change) {
  return Timed(
      calls_.commits, calls_.inside,
      [&] { return ForwardingDataplane::CommitTable(change); },
      [&] { ++calls_.tables_committed; });
}

}  // namespace netpol
