#include "netpol/compile/set_registry.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/rules/protocol.h"

namespace netpol {
namespace {

// Unambiguous whatever the labels hold: every list is preceded by its length.
void AppendFields(const Selector& selector, std::vector<std::string>& fields) {
  fields.push_back(absl::StrCat(selector.requirements().size()));
  for (const Requirement& requirement : selector.requirements()) {
    fields.push_back(requirement.key);
    fields.push_back(absl::StrCat(static_cast<int>(requirement.op)));
    fields.push_back(absl::StrCat(requirement.values.size()));
    fields.insert(fields.end(), requirement.values.begin(),
                  requirement.values.end());
  }
}

void AppendFields(const PodSetExpression& expression,
                  std::vector<std::string>& fields) {
  for (const PodTerm& term : expression.terms()) {
    fields.push_back(term.namespace_name);
    AppendFields(term.namespaces, fields);
    AppendFields(term.pods, fields);
  }
}

SetName Named(absl::string_view prefix, Family family,
              const std::vector<std::string>& fields) {
  const std::vector<absl::string_view> views(fields.begin(), fields.end());
  return SetName(family, absl::StrCat(prefix, NameHash(views)));
}

}  // namespace

template <typename Fill>
SetName SetRegistry::Acquire(SetName name, SetType type, Family family,
                             Fill fill) {
  auto [it, inserted] = entries_.try_emplace(name);
  Entry& entry = it->second;
  if (inserted) {
    entry.content.name = name;
    entry.content.type = type;
    entry.content.family = family;
    fill(entry);
    touched_.push_back(name);
  }
  ++entry.users;
  return name;
}

SetName SetRegistry::AcquirePods(const PodSetExpression& expression,
                                 Family family) {
  std::vector<std::string> fields = {"pods", std::string(FamilyName(family))};
  AppendFields(expression, fields);
  SetName name = Named("KUBE-SRC-", family, fields);
  return Acquire(name, SetType::kHashIp, family, [&](Entry& entry) {
    entry.expression = state_.Watch(expression);
    by_expression_[*entry.expression].of[static_cast<int>(family)] = name;
  });
}

SetName SetRegistry::AcquireBlocks(const std::vector<IpPrefix>& prefixes,
                                   Family family) {
  std::vector<std::string> fields = {"blocks", std::string(FamilyName(family))};
  for (const IpPrefix& prefix : prefixes) fields.push_back(prefix.ToString());
  return Acquire(Named("KUBE-SRC-", family, fields), SetType::kHashNet, family,
                 [&](Entry& entry) {
                   for (const IpPrefix& prefix : prefixes) {
                     if (prefix.length > 0) {
                       entry.content.members.push_back(SetMember::Net(prefix));
                       continue;
                     }
                     // hash:net does not take a prefix of length 0.
                     const IpPrefix low = IpPrefix::Of(prefix.First(), 1);
                     entry.content.members.push_back(SetMember::Net(low));
                     entry.content.members.push_back(
                         SetMember::Net(IpPrefix::Of(prefix.Last(), 1)));
                   }
                 });
}

SetName SetRegistry::AcquireNamedPort(const NamedPortKey& key, Family family) {
  std::vector<std::string> fields = {"port", std::string(FamilyName(family)),
                                     key.name, ProtocolText(key.protocol)};
  if (key.among) {
    fields.push_back("among");
    AppendFields(*key.among, fields);
  } else {
    fields.push_back(key.local_only ? "local" : "all");
  }
  SetName name = Named("KUBE-DST-", family, fields);
  return Acquire(name, SetType::kHashIpPort, family, [&](Entry& entry) {
    entry.named_port = state_.WatchNamedPort(key);
    by_named_port_[*entry.named_port].of[static_cast<int>(family)] = name;
  });
}

void SetRegistry::Release(const SetName& name) {
  if (--entries_.at(name).users == 0) touched_.push_back(name);
}

void SetRegistry::Apply(const DirtySet& dirty, RulesetChange& change) {
  for (const MembershipChange& membership : dirty.memberships) {
    auto it = by_expression_.find(membership.expression);
    if (it == by_expression_.end()) continue;
    const SetName& set =
        it->second.of[static_cast<int>(membership.address.family)];
    if (set.empty()) continue;
    change.members.push_back(
        {set, SetMember::Address(membership.address), membership.member});
  }
  for (const NamedPortChange& port : dirty.named_ports) {
    auto it = by_named_port_.find(port.port);
    if (it == by_named_port_.end()) continue;
    const SetName& set = it->second.of[static_cast<int>(port.address.family)];
    if (set.empty()) continue;
    const uint8_t protocol = state_.GetNamedPort(port.port).protocol;
    change.members.push_back(
        {set, SetMember::AddressPort(port.address, protocol, port.number),
         port.member});
  }
}

std::vector<SetMember> SetRegistry::MembersOf(const Entry& entry) const {
  std::vector<SetMember> members;
  if (entry.expression) {
    for (const IpAddress& address : state_.Members(*entry.expression)) {
      if (address.family == entry.content.family) {
        members.push_back(SetMember::Address(address));
      }
    }
  } else if (entry.named_port) {
    const uint8_t protocol = state_.GetNamedPort(*entry.named_port).protocol;
    for (const NamedPortMember& member :
         state_.NamedPortMembers(*entry.named_port)) {
      if (member.address.family == entry.content.family) {
        members.push_back(
            SetMember::AddressPort(member.address, protocol, member.number));
      }
    }
  }
  return members;
}

void SetRegistry::Forget(const Entry& entry) {
  const int family = static_cast<int>(entry.content.family);
  // The other family's set may still show the same thing.
  const auto drop = [&](auto& names, auto id) {
    auto it = names.find(id);
    it->second.of[family] = SetName();
    if (it->second.of[1 - family].empty()) names.erase(it);
  };
  if (entry.expression) {
    drop(by_expression_, *entry.expression);
    state_.Unwatch(*entry.expression);
  }
  if (entry.named_port) {
    drop(by_named_port_, *entry.named_port);
    state_.UnwatchNamedPort(*entry.named_port);
  }
}

void SetRegistry::Flush(RulesetChange& change) {
  for (const SetName& name : touched_) {
    auto it = entries_.find(name);
    if (it == entries_.end()) continue;
    Entry& entry = it->second;
    if (entry.users == 0) {
      if (entry.told) change.gone_sets.push_back(name);
      Forget(entry);
      entries_.erase(it);
    } else if (!entry.told) {
      entry.told = true;
      if (entry.expression || entry.named_port)
        entry.content.members = MembersOf(entry);
      change.sets.push_back(std::move(entry.content));
      entry.content = {name,
                       change.sets.back().type,
                       change.sets.back().family,
                       change.sets.back().effect,
                       {}};
    }
  }
  touched_.clear();
}

}  // namespace netpol
