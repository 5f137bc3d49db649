#include "bench/floor/table_floor.h"

#include <libiptc/libiptc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr char kTable[] = "filter";

absl::Status FloorError(absl::string_view step, int error,
                        absl::string_view explanation) {
  return absl::InternalError(absl::StrCat(
      step, " of table filter: ", explanation, " (errno ", error, ")"));
}

absl::Status NoRules() {
  return absl::FailedPreconditionError(
      "table filter has no rule that could be replaced by itself");
}

// A copy of a rule in the form that libiptc takes: its own form has no names of
// jumps.
struct OwnRule {
  std::string chain;
  std::vector<char> entry;

  ipt_entry* get() { return reinterpret_cast<ipt_entry*>(entry.data()); }
};

// The first rule of the first chain that has one; empty if none has.
OwnRule FirstRule(xtc_handle* handle) {
  for (const char* chain = iptc_first_chain(handle); chain != nullptr;
       chain = iptc_next_chain(handle)) {
    const ipt_entry* entry = iptc_first_rule(chain, handle);
    if (entry == nullptr) continue;
    OwnRule rule{chain, {}};
    const char* bytes = reinterpret_cast<const char*>(entry);
    rule.entry.assign(bytes, bytes + entry->next_offset);
    ipt_entry_target* target = ipt_get_target(rule.get());
    const std::string name = iptc_get_target(entry, handle);
    std::memset(target->u.user.name, 0, sizeof(target->u.user.name));
    name.copy(target->u.user.name, sizeof(target->u.user.name) - 1);
    return rule;
  }
  return {};
}

Cost Lap(const CostWatch& watch, Cost& last) {
  const Cost now = watch.Elapsed();
  const Cost lap = now - last;
  last = now;
  return lap;
}

struct CloseSocket {
  int fd;
  ~CloseSocket() {
    if (fd >= 0) close(fd);
  }
};

// The table as the kernel gives it and takes it.
struct TableBlob {
  std::unique_ptr<char[]> replace;  // an ipt_replace with its entries
  size_t size = 0;
  std::vector<xt_counters> old_counters;
};

absl::StatusOr<TableBlob> ReadBlob(int fd) {
  ipt_getinfo info = {};
  std::strcpy(info.name, kTable);
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) != 0)
    return FloorError("asking for the size", errno, std::strerror(errno));
  size = sizeof(ipt_get_entries) + info.size;
  const auto read = std::make_unique<char[]>(size);
  auto* entries = reinterpret_cast<ipt_get_entries*>(read.get());
  std::strcpy(entries->name, kTable);
  entries->size = info.size;
  if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, entries, &size) != 0)
    return FloorError("reading the entries", errno, std::strerror(errno));
  TableBlob blob;
  blob.size = sizeof(ipt_replace) + info.size;
  blob.replace = std::make_unique<char[]>(blob.size);
  blob.old_counters.resize(info.num_entries);
  auto* replace = reinterpret_cast<ipt_replace*>(blob.replace.get());
  std::strcpy(replace->name, kTable);
  replace->valid_hooks = info.valid_hooks;
  replace->num_entries = info.num_entries;
  replace->size = info.size;
  std::memcpy(replace->hook_entry, info.hook_entry, sizeof(info.hook_entry));
  std::memcpy(replace->underflow, info.underflow, sizeof(info.underflow));
  replace->num_counters = info.num_entries;
  replace->counters = blob.old_counters.data();
  std::memcpy(replace->entries, entries->entrytable, info.size);
  return blob;
}

}  // namespace

absl::StatusOr<CommitCost> MeasureBareCommit() {
  CommitCost cost;
  Cost last;
  CostWatch watch;
  xtc_handle* handle = iptc_init(kTable);
  if (handle == nullptr)
    return FloorError("reading", errno, iptc_strerror(errno));
  auto free_handle = absl::MakeCleanup([&] { iptc_free(handle); });
  cost.init = Lap(watch, last);
  OwnRule rule = FirstRule(handle);
  if (rule.entry.empty()) return NoRules();
  Lap(watch, last);
  if (iptc_replace_entry(rule.chain.c_str(), rule.get(), 0, handle) == 0)
    return FloorError("replacing a rule", errno, iptc_strerror(errno));
  cost.change = Lap(watch, last);
  if (iptc_commit(handle) == 0)
    return FloorError("committing", errno, iptc_strerror(errno));
  cost.commit = Lap(watch, last);
  std::move(free_handle).Invoke();
  cost.free = Lap(watch, last);
  return cost;
}

absl::StatusOr<Cost> MeasureBareReplace() {
  const CloseSocket raw{socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)};
  if (raw.fd < 0)
    return FloorError("opening a socket", errno, std::strerror(errno));
  absl::StatusOr<TableBlob> blob = ReadBlob(raw.fd);
  if (!blob.ok()) return blob.status();
  // The built-in chains' ends and the error entry are there always.
  constexpr size_t kLeast = 4;
  if (blob->old_counters.size() <= kLeast) return NoRules();
  const CostWatch watch;
  const int result = setsockopt(raw.fd, IPPROTO_IP, IPT_SO_SET_REPLACE,
                                blob->replace.get(), blob->size);
  const Cost cost = watch.Elapsed();
  if (result != 0) return FloorError("replacing", errno, std::strerror(errno));
  return cost;
}

}  // namespace netpol
