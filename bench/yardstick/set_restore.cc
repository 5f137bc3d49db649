#include "bench/yardstick/set_restore.h"

#include <algorithm>

#include "absl/container/btree_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/yardstick/yardstick_names.h"

namespace netpol {
namespace {

constexpr absl::string_view kHashIp = "hash:ip";
constexpr absl::string_view kHashNet = "hash:net";
// " add " and " timeout 0" with a temporary name and an address.
constexpr size_t kBytesOfEntry = 56;
constexpr size_t kBytesOfSet = 320;

// "initval 0x1234" differs from set to set and would share no temporary one.
std::string WithoutInitval(absl::string_view options) {
  std::string kept;
  bool skip = false;
  for (absl::string_view word : absl::StrSplit(options, ' ')) {
    if (skip || word == "initval") {
      skip = !skip;
      continue;
    }
    absl::StrAppend(&kept, kept.empty() ? "" : " ", word);
  }
  return kept;
}

// Calls `visit` with the name and the options of each set, type first.
template <typename Visit>
void ForEachCreated(absl::string_view saved, const Visit& visit) {
  for (size_t begin = 0; begin < saved.size();) {
    const size_t end = std::min(saved.find('\n', begin), saved.size());
    absl::string_view line = saved.substr(begin, end - begin);
    begin = end + 1;
    if (!absl::ConsumePrefix(&line, "create ")) continue;
    const size_t space = line.find(' ');
    visit(line.substr(0, space), line.substr(space + 1));
  }
}

absl::flat_hash_map<std::string, std::string> OptionsIn(
    absl::string_view saved) {
  absl::flat_hash_map<std::string, std::string> options;
  ForEachCreated(saved, [&](absl::string_view name, absl::string_view text) {
    options.emplace(name, WithoutInitval(text));
  });
  return options;
}

}  // namespace

void SetRestore::AppendEveryIp(const CachedPod& pod,
                               std::vector<absl::string_view>& entries) const {
  for (const std::string& ip : pod.ips) {
    if (LooksLike(family_, ip)) entries.push_back(ip);
  }
}

void SetRestore::AddTargets(const std::string& name,
                            const PolicyModel& policy) {
  PlannedEntries& set = sets_[name];
  set.type = kHashIp;
  for (const auto& [ip, pod] : policy.targets) AppendEveryIp(*pod, set.entries);
}

void SetRestore::AddNamedPort(const std::string& name,
                              const std::vector<const CachedPod*>& pods) {
  PlannedEntries& set = sets_[name];
  set = {kHashIp, {}};
  for (const CachedPod* pod : pods) AppendEveryIp(*pod, set.entries);
}

void SetRestore::AddPeers(const std::string& name,
                          const std::vector<const CachedPod*>& pods) {
  PlannedEntries& set = sets_[name];
  set.type = kHashIp;
  set.entries.reserve(pods.size());
  for (const CachedPod* pod : pods) {
    const absl::string_view ip = pod->IpOf(family_);
    if (!ip.empty()) set.entries.push_back(ip);
  }
}

void SetRestore::AppendBlock(absl::string_view cidr, absl::string_view flag,
                             std::vector<absl::string_view>& entries) {
  if (!LooksLike(family_, cidr)) return;
  // The kernel takes no block of every address.
  std::vector<absl::string_view> parts = {cidr};
  if (absl::EndsWith(cidr, "/0")) {
    parts = family_ == Family::kIPv4
                ? std::vector<absl::string_view>{"0.0.0.0/1", "128.0.0.0/1"}
                : std::vector<absl::string_view>{"2000::/3", "fd00::/8"};
  }
  for (absl::string_view part : parts) {
    entries.push_back(texts_.emplace_back(absl::StrCat(part, flag)));
  }
}

bool SetRestore::AddBlocks(const std::string& name,
                           const std::vector<const k8s::IPBlock*>& blocks) {
  std::vector<absl::string_view> entries;
  for (const k8s::IPBlock* block : blocks) {
    AppendBlock(block->cidr(), "", entries);
    for (const std::string& except : block->except()) {
      AppendBlock(except, " nomatch", entries);
    }
  }
  if (entries.empty()) return false;
  sets_[name] = {kHashNet, std::move(entries)};
  return true;
}

int64_t SetRestore::entry_count() const {
  size_t count = 0;
  for (const auto& [name, set] : sets_) count += set.entries.size();
  return static_cast<int64_t>(count);
}

std::string SetRestore::Text(absl::string_view saved) const {
  const absl::flat_hash_map<std::string, std::string> existing =
      OptionsIn(saved);
  std::string text;
  text.reserve(static_cast<size_t>(entry_count()) * kBytesOfEntry +
               sets_.size() * kBytesOfSet);
  absl::btree_set<std::string> temporary_sets;
  for (const auto& [name, set] : sets_) {
    const auto found = existing.find(name);
    const std::string options =
        found != existing.end()
            ? found->second
            : absl::StrCat(set.type, " timeout 0",
                           family_ == Family::kIPv6 ? " family inet6" : "");
    const std::string temporary = TemporarySet(options);
    if (temporary_sets.insert(temporary).second) {
      absl::StrAppend(&text, "create ", temporary, " ", options, "\nflush ",
                      temporary, "\n");
    }
    for (absl::string_view entry : set.entries) {
      // "nomatch" is to come last.
      const size_t space = std::min(entry.find(' '), entry.size());
      absl::StrAppend(&text, "add ", temporary, " ", entry.substr(0, space),
                      " timeout 0", entry.substr(space), "\n");
    }
    absl::StrAppend(&text, "create ", name, " ", options, "\nswap ", temporary,
                    " ");
    absl::StrAppend(&text, name, "\nflush ", temporary, "\n");
  }
  for (const std::string& name : temporary_sets) {
    absl::StrAppend(&text, "destroy ", name, "\n");
  }
  return text;
}

std::vector<std::string> PolicySetsIn(absl::string_view saved, Family family) {
  std::vector<std::string> names;
  ForEachCreated(saved, [&](absl::string_view name, absl::string_view) {
    absl::string_view base = name;
    const bool is_ipv6 = absl::ConsumePrefix(&base, "inet6:");
    if (is_ipv6 == (family == Family::kIPv6) &&
        (absl::StartsWith(base, "KUBE-SRC-") ||
         absl::StartsWith(base, "KUBE-DST-"))) {
      names.emplace_back(name);
    }
  });
  return names;
}

}  // namespace netpol
