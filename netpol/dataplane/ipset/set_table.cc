#include "netpol/dataplane/ipset/set_table.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_error.h"
#include "netpol/dataplane/ipset/ipset_features.h"
#include "netpol/dataplane/ipset/set_listing.h"

namespace netpol {
namespace {

// Encoded at a time, which bounds the memory for a large set.
constexpr size_t kMembersInHand = 4 * kMaxMembersPerMessage;

// A set that is too small for its members is refused when it is full; its hash
// need not be larger.
uint32_t HashSizeOf(const SetSpec& spec, size_t members) {
  return HashSizeFor(std::min<size_t>(members, spec.max_elements));
}

absl::Status CheckMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) {
  for (const SetMember& member : members) {
    if (member.prefix.family() == spec.family &&
        (spec.type == SetType::kHashNet || member.prefix.IsHost())) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("ipset: ", member.ToString(), " cannot be in ",
                     FamilyName(spec.family), SetStep("", spec)));
  }
  return absl::OkStatus();
}

std::string EditStep(MemberCommand command, const SetSpec& spec,
                     absl::string_view what) {
  return command == MemberCommand::kAdd
             ? SetStep(absl::StrCat("add ", what, " to"), spec)
             : SetStep(absl::StrCat("remove ", what, " from"), spec);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SetTable>> SetTable::Create() {
  ASSIGN_OR_RETURN(std::unique_ptr<IpsetChannel> channel, IpsetChannel::Open());
  RETURN_IF_ERROR(CheckIpsetSubsystem(*channel));
  ASSIGN_OR_RETURN(std::unique_ptr<LibipsetSession> session,
                   LibipsetSession::Open());
  return std::unique_ptr<SetTable>(
      new SetTable(std::move(channel), std::move(session)));
}

SetTable::SetTable(std::unique_ptr<IpsetChannel> channel,
                   std::unique_ptr<LibipsetSession> session)
    : channel_(std::move(channel)), session_(std::move(session)) {}

absl::Status SetTable::List(ListScope scope, SetListing& listing) {
  const NetlinkMessage query = EncodeListQuery(scope);
  ASSIGN_OR_RETURN(const IpsetAnswer answer,
                   channel_->Transact(
                       absl::MakeConstSpan(&query, 1),
                       [&](const nlmsghdr& message) { listing.Add(message); }));
  if (answer.error != 0) return IpsetError(answer.error, "list all sets");
  return absl::OkStatus();
}

absl::StatusOr<absl::btree_map<SetName, ObservedSet>> SetTable::Read(
    absl::Span<const Family> families, size_t* others) {
  SetListing listing(families);
  RETURN_IF_ERROR(List(ListScope::kMembers, listing));
  if (others != nullptr) *others = listing.others();
  return listing.Take();
}

absl::StatusOr<absl::flat_hash_map<SetName, size_t>> SetTable::Sizes(
    absl::Span<const Family> families) {
  SetListing listing(families);
  RETURN_IF_ERROR(List(ListScope::kHeads, listing));
  return listing.TakeSizes();
}

absl::Status SetTable::CreateSet(const SetSpec& spec,
                                 absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(CheckMembers(spec, members));
  RETURN_IF_ERROR(RequireType(spec.type, spec.family));
  ++messages_;
  RETURN_IF_ERROR(session_->Create(spec, HashSizeOf(spec, members.size())));
  const absl::Status filled = SendMembers(MemberCommand::kAdd, spec, members);
  if (filled.ok()) return filled;
  if (absl::Status gone = DestroySet(spec.name); !gone.ok()) {
    return absl::Status(
        filled.code(),
        absl::StrCat(filled.message(),
                     "; and the half filled set was left: ", gone.message()));
  }
  return filled;
}

absl::Status SetTable::AddMembers(const SetSpec& spec,
                                  absl::Span<const SetMember> members) {
  return EditMembers(MemberCommand::kAdd, spec, members);
}

absl::Status SetTable::RemoveMembers(const SetSpec& spec,
                                     absl::Span<const SetMember> members) {
  return EditMembers(MemberCommand::kRemove, spec, members);
}

absl::Status SetTable::ReplaceSet(const SetSpec& spec,
                                  absl::Span<const SetMember> members) {
  SetSpec twin = spec;
  twin.name = TwinName(spec);
  const std::string context =
      absl::StrCat("replace set \"", spec.name.value(), "\"");
  RETURN_IF_ERROR(Annotate(CreateTwin(twin, members), context));
  ++messages_;
  const absl::Status swapped = session_->Swap(twin.name, spec.name);
  const absl::Status gone = DestroySet(twin.name);
  if (!swapped.ok()) {
    return Annotate(
        gone.ok()
            ? swapped
            : absl::Status(swapped.code(), absl::StrCat(swapped.message(), "; ",
                                                        gone.message())),
        context);
  }
  return Annotate(gone,
                  absl::StrCat(context, ": done, but the old content is left"));
}

absl::Status SetTable::DestroySet(const SetName& name) {
  ++messages_;
  const absl::Status status = session_->Destroy(name);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

SetName SetTable::TwinName(const SetSpec& spec) {
  // 9 of the hash's characters fill the name to its limit with "inet6:".
  return SetName(spec.family,
                 absl::StrCat("kube-router-tmp-",
                              NameHash({spec.name.value()}).substr(0, 9)));
}

absl::Status SetTable::CreateTwin(const SetSpec& twin,
                                  absl::Span<const SetMember> members) {
  const absl::Status status = CreateSet(twin, members);
  if (!absl::IsAlreadyExists(status)) return status;
  // An earlier process ended between two steps; nobody else uses this name.
  RETURN_IF_ERROR(DestroySet(twin.name));
  return CreateSet(twin, members);
}

absl::Status SetTable::EditMembers(MemberCommand command, const SetSpec& spec,
                                   absl::Span<const SetMember> members) {
  RETURN_IF_ERROR(CheckMembers(spec, members));
  return SendMembers(command, spec, members);
}

absl::Status SetTable::SendMembers(MemberCommand command, const SetSpec& spec,
                                   absl::Span<const SetMember> members) {
  while (!members.empty()) {
    const auto part = members.subspan(0, kMembersInHand);
    const std::vector<NetlinkMessage> messages =
        EncodeMembers(command, spec, part);
    messages_ += messages.size();
    ASSIGN_OR_RETURN(const IpsetAnswer answer, channel_->Transact(messages));
    if (answer.error != 0) {
      const size_t index =
          answer.message * kMaxMembersPerMessage + answer.line - 1;
      return IpsetError(answer.error,
                        EditStep(command, spec,
                                 answer.line > 0 && index < part.size()
                                     ? part[index].ToString()
                                     : absl::StrCat(part.size(), " members")));
    }
    members.remove_prefix(part.size());
  }
  return absl::OkStatus();
}

absl::Status SetTable::RequireType(SetType type, Family family) {
  bool& present =
      type_present_[static_cast<int>(type)][static_cast<int>(family)];
  if (present) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSetType(*channel_, type, family));
  present = true;
  return absl::OkStatus();
}

}  // namespace netpol
