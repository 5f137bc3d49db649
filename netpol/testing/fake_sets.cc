#include "netpol/testing/fake_sets.h"

#include <netinet/in.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

uint64_t MessagesFor(size_t members) {
  return (members + FakeSets::kMembersPerMessage - 1) /
         FakeSets::kMembersPerMessage;
}

// ip_set_proto_with_ports(), and the ICMP of the family, whose type and code
// stand in the port's place.
bool HasPort(Family family, uint8_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
         protocol == IPPROTO_SCTP || protocol == IPPROTO_UDPLITE ||
         protocol == (family == Family::kIPv4 ? uint8_t{IPPROTO_ICMP}
                                              : uint8_t{IPPROTO_ICMPV6});
}

absl::string_view MemberFault(const SetSpec& spec, const SetMember& member) {
  const IpPrefix& prefix = member.prefix;
  if (prefix.family() != spec.family) return "is of the other family";
  if (spec.type == SetType::kHashNet) {
    if (prefix.length == 0) return "has length 0, which hash:net cannot hold";
    if (IpPrefix::Of(prefix.address, prefix.length) != prefix)
      return "has host bits, which would not read back";
  } else {
    if (!prefix.IsHost()) return "is not a single address";
    if (prefix.address.bits() == 0) return "is the unspecified address";
  }
  if (spec.type != SetType::kHashIpPort)
    return member.protocol != 0 || member.port != 0 ? "has a port" : "";
  if (member.protocol == 0) return "has no protocol";
  if (member.port != 0 && !HasPort(spec.family, member.protocol))
    return "has a port but its protocol has none";
  return "";
}

absl::Status CheckMember(const SetSpec& spec, const SetMember& member) {
  const absl::string_view fault = MemberFault(spec, member);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "member ", member.ToString(), " of set ", spec.name.value(), " (",
      SetTypeName(spec.type), ", ", FamilyName(spec.family), ") ", fault));
}

absl::Status Fill(ObservedSet& set, absl::Span<const SetMember> members) {
  for (const SetMember& member : members) {
    RETURN_IF_ERROR(CheckMember(set.spec, member));
    if (set.members.contains(member)) continue;
    if (set.members.size() >= set.spec.max_elements) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "adding ", member.ToString(), " to set ", set.spec.name.value(),
          ": it is full at ", set.spec.max_elements, " members"));
    }
    set.members.insert(member);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FakeSets::CheckRoom(const SetName& name) const {
  if (sets_.size() + foreign_count_ < kMaxSets) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("creating set ", name.value(), ": there are ", kMaxSets,
                   " sets already, the kernel's most"));
}

absl::StatusOr<ObservedSet*> FakeSets::FindLike(const SetSpec& spec,
                                                absl::string_view step) {
  const auto it = sets_.find(spec.name);
  if (it == sets_.end()) {
    return absl::NotFoundError(
        absl::StrCat(step, " set ", spec.name.value(), ": there is none"));
  }
  const SetSpec& found = it->second.spec;
  if (found.type != spec.type || found.family != spec.family) {
    return absl::FailedPreconditionError(absl::StrCat(
        step, " set ", spec.name.value(), ": it is ", SetTypeName(found.type),
        " for ", FamilyName(found.family), ", not ", SetTypeName(spec.type),
        " for ", FamilyName(spec.family)));
  }
  return &it->second;
}

absl::Status FakeSets::Create(const SetSpec& spec,
                              absl::Span<const SetMember> members) {
  if (!SetName::IsOurs(spec.name.value())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "creating set \"", spec.name.value(), "\": the name is not ours"));
  }
  if (sets_.contains(spec.name)) {
    return absl::AlreadyExistsError(
        absl::StrCat("creating set ", spec.name.value(), ": it exists"));
  }
  RETURN_IF_ERROR(CheckRoom(spec.name));
  ObservedSet set;
  set.spec = spec;
  set.hash_size = HashSizeFor(members.size());
  RETURN_IF_ERROR(Fill(set, members));
  sets_.emplace(spec.name, std::move(set));
  messages_ += 1 + MessagesFor(members.size());
  return absl::OkStatus();
}

absl::Status FakeSets::Add(const SetSpec& spec,
                           absl::Span<const SetMember> members) {
  ASSIGN_OR_RETURN(ObservedSet * set, FindLike(spec, "adding to"));
  RETURN_IF_ERROR(Fill(*set, members));
  // About where a bucket is full. Sets that were put here have no hash.
  while (set->hash_size > 0 && set->members.size() > 4u * set->hash_size) {
    set->hash_size *= 2;
    ++doublings_;
  }
  messages_ += MessagesFor(members.size());
  return absl::OkStatus();
}

absl::Status FakeSets::Remove(const SetSpec& spec,
                              absl::Span<const SetMember> members) {
  ASSIGN_OR_RETURN(ObservedSet * set, FindLike(spec, "removing from"));
  for (const SetMember& member : members) {
    RETURN_IF_ERROR(CheckMember(set->spec, member));
    set->members.erase(member);
  }
  messages_ += MessagesFor(members.size());
  return absl::OkStatus();
}

absl::Status FakeSets::Replace(const SetSpec& spec,
                               absl::Span<const SetMember> members) {
  ASSIGN_OR_RETURN(ObservedSet * set, FindLike(spec, "replacing"));
  RETURN_IF_ERROR(CheckRoom(spec.name));
  ObservedSet replacement;
  replacement.spec = spec;
  replacement.hash_size = HashSizeFor(members.size());
  RETURN_IF_ERROR(Fill(replacement, members));
  *set = std::move(replacement);
  // Create, add, swap, destroy.
  messages_ += 3 + MessagesFor(members.size());
  return absl::OkStatus();
}

absl::Status FakeSets::Destroy(const SetName& name) {
  if (const int users = references(name); users > 0) {
    return absl::UnavailableError(
        absl::StrCat("destroying set ", name.value(), ": it is in use by ",
                     users, " rules; try again when they are gone"));
  }
  sets_.erase(name);
  ++messages_;
  return absl::OkStatus();
}

const ObservedSet* FakeSets::FindOrNull(const SetName& name) const {
  const auto it = sets_.find(name);
  return it == sets_.end() ? nullptr : &it->second;
}

void FakeSets::Refer(const SetName& name, int delta) {
  const auto it = references_.try_emplace(name, 0).first;
  it->second += delta;
  if (it->second == 0) references_.erase(it);
}

int FakeSets::references(const SetName& name) const {
  const auto it = references_.find(name);
  return it == references_.end() ? 0 : it->second;
}

void FakeSets::Put(ObservedSet set) {
  const SetName name = set.spec.name;
  sets_[name] = std::move(set);
}

void FakeSets::Flush(const SetName& name) {
  if (const auto it = sets_.find(name); it != sets_.end())
    it->second.members.clear();
}

}  // namespace netpol
