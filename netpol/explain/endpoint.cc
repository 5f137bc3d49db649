#include "netpol/explain/endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr size_t kHints = 3;
// Names that differ by more letters do not look alike.
constexpr size_t kAlike = 2;

// Letters to insert, remove or replace (Levenshtein).
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string Hint(const ObjectKey& key, const ClusterState& state) {
  std::vector<std::pair<size_t, std::string>> alike;
  const std::vector<std::string> names = state.PodNames(key.namespace_name);
  if (names.empty()) {
    return absl::StrCat("; namespace ", key.namespace_name, " has no pods");
  }
  for (const std::string& name : names) {
    // Pods of one controller share the front of their names.
    const size_t distance =
        absl::StartsWith(name, key.name) ? 1 : Distance(name, key.name);
    if (distance <= kAlike) alike.emplace_back(distance, name);
  }
  if (alike.empty()) return "";
  std::sort(alike.begin(), alike.end());
  if (alike.size() > kHints) alike.resize(kHints);
  return absl::StrCat(
      "; did you mean ",
      absl::StrJoin(alike, " or ", [&](std::string* out, const auto& hint) {
        absl::StrAppend(out, key.namespace_name, "/", hint.second);
      }));
}

bool Holds(absl::Span<const IpAddress> addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) !=
         addresses.end();
}

// The first of each family.
void Take(absl::Span<const IpAddress> addresses, Endpoint& end) {
  for (const IpAddress& address : addresses) {
    auto& taken = end.addresses[static_cast<int>(address.family)];
    if (!taken) taken = address;
  }
}

void TakeUnknown(Endpoint& end, const std::string& whose) {
  for (Family family : kFamilies)
    end.addresses[static_cast<int>(family)] = IpAddress{family, 0};
  end.notes.push_back(
      absl::StrCat("the address of ", whose,
                   " is not known, so of ipBlock peers only those match that "
                   "hold every address"));
}

// Neither loopback nor link-local.
bool SeenFromOutside(const IpAddress& address) {
  static const auto* const kInside = new std::vector<IpPrefix>{
      *IpPrefix::Parse("127.0.0.0/8"), *IpPrefix::Parse("169.254.0.0/16"),
      *IpPrefix::Parse("::1/128"), *IpPrefix::Parse("fe80::/10")};
  return std::none_of(
      kInside->begin(), kInside->end(),
      [&](const IpPrefix& prefix) { return prefix.Contains(address); });
}

void TakeNode(absl::Span<const IpAddress> node_addresses, Endpoint& end) {
  end.is_node = true;
  if (node_addresses.empty()) return TakeUnknown(end, "this node");
  std::vector<IpAddress> ordered(node_addresses.begin(), node_addresses.end());
  std::stable_partition(ordered.begin(), ordered.end(), SeenFromOutside);
  Take(ordered, end);
  if (node_addresses.size() > 1) {
    end.notes.push_back(
        absl::StrCat("this node has ", node_addresses.size(),
                     " addresses; ask about another one by writing it"));
  }
}

void TakeHostNetworkPod(const Pod& pod, const ClusterState& state,
                        absl::Span<const IpAddress> node_addresses,
                        Endpoint& end) {
  const bool here = state.IsLocal(pod);
  end.notes.push_back(
      absl::StrCat(pod.key.ToString(),
                   " is on the host's network: policies do not select "
                   "it, and its traffic is that of ",
                   here ? "this node" : absl::StrCat("node ", *pod.node_name)));
  if (here) {
    TakeNode(node_addresses.empty() ? absl::MakeConstSpan(*pod.host_addresses)
                                    : node_addresses,
             end);
  } else if (pod.host_addresses->empty()) {
    TakeUnknown(end, absl::StrCat("node ", *pod.node_name));
  } else {
    Take(*pod.host_addresses, end);
  }
}

absl::Status TakePod(const ObjectKey& key, const ClusterState& state,
                     absl::Span<const IpAddress> node_addresses,
                     Endpoint& end) {
  const Pod* pod = state.FindPod(key);
  if (pod == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no pod ", key.ToString(), Hint(key, state)));
  }
  if (pod->unseen == Pod::Unseen::kHostNetwork) {
    TakeHostNetworkPod(*pod, state, node_addresses, end);
    return absl::OkStatus();
  }
  if (pod->unseen == Pod::Unseen::kFinished) {
    return absl::FailedPreconditionError(absl::StrCat(
        "pod ", key.ToString(),
        " has finished (phase Succeeded or Failed): it sends and receives "
        "nothing, and its address may be another pod's by now"));
  }
  if (pod->addresses.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("pod ", key.ToString(),
                     " has no address yet, so no packet is from it or to it"));
  }
  Take(pod->addresses, end);
  for (const absl::optional<IpAddress>& address : end.addresses) {
    if (!address || !Holds(node_addresses, *address)) continue;
    end.is_node = true;
    end.notes.push_back(
        absl::StrCat("pod ", key.ToString(), " claims ", address->ToString(),
                     ", which is this node's own address: its traffic is "
                     "the node's"));
  }
  return absl::OkStatus();
}

void TakeAddress(const IpAddress& address,
                 absl::Span<const IpAddress> node_addresses, Endpoint& end) {
  end.addresses[static_cast<int>(address.family)] = address;
  end.is_node = Holds(node_addresses, address);
}

}  // namespace

absl::Status CheckEndpoint(absl::string_view text) {
  if (text == "node" || IpAddress::Parse(text).ok()) return absl::OkStatus();
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  if (!parts.first.empty() && !parts.second.empty() &&
      !absl::StrContains(parts.second, '/')) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text,
      "\" is neither a pod (namespace/name), nor an address, nor \"node\""));
}

absl::StatusOr<Endpoint> FindEndpoint(
    absl::string_view text, const ClusterState& state,
    absl::Span<const IpAddress> node_addresses) {
  RETURN_IF_ERROR(CheckEndpoint(text));
  Endpoint end;
  end.text = std::string(text);
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (text == "node") {
    TakeNode(node_addresses, end);
  } else if (address.ok()) {
    TakeAddress(*address, node_addresses, end);
  } else {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(text, absl::MaxSplits('/', 1));
    RETURN_IF_ERROR(TakePod(ObjectKey{parts.first, parts.second}, state,
                            node_addresses, end));
  }
  return end;
}

absl::StatusOr<std::vector<Family>> CommonFamilies(const Endpoint& from,
                                                   const Endpoint& to) {
  std::vector<Family> common;
  for (Family family : kFamilies) {
    const int i = static_cast<int>(family);
    if (from.addresses[i] && to.addresses[i]) common.push_back(family);
  }
  if (!common.empty()) return common;
  const auto families_of = [](const Endpoint& end) {
    return FamilyName(end.addresses[0] ? Family::kIPv4 : Family::kIPv6);
  };
  return absl::FailedPreconditionError(absl::StrCat(
      from.text, " has ", families_of(from), " only, and ", to.text, " has ",
      families_of(to), " only: no packet goes from one to the other"));
}

}  // namespace netpol
