#include "netpol/dataplane/legacy/entry_parts.h"

#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// Where the fields of an entry are; the header is at its start.
struct EntryLayout {
  size_t header_size;
  size_t size;
  size_t target_offset;
  size_t next_offset;
  size_t counters;
};

constexpr EntryLayout kLayouts[] = {
    {sizeof(ipt_ip), sizeof(ipt_entry), offsetof(ipt_entry, target_offset),
     offsetof(ipt_entry, next_offset), offsetof(ipt_entry, counters)},
    {sizeof(ip6t_ip6), sizeof(ip6t_entry), offsetof(ip6t_entry, target_offset),
     offsetof(ip6t_entry, next_offset), offsetof(ip6t_entry, counters)},
};

const EntryLayout& LayoutOf(Family family) {
  return kLayouts[static_cast<int>(family)];
}

// xt_entry_match and xt_entry_target have the same shape; both are read and
// written through the match's.
static_assert(sizeof(xt_entry_match) == sizeof(xt_entry_target));
static_assert(offsetof(xt_entry_match, u.user.name) ==
              offsetof(xt_entry_target, u.user.name));
static_assert(offsetof(xt_entry_match, u.user.revision) ==
              offsetof(xt_entry_target, u.user.revision));

constexpr size_t kVerdictData =
    XT_ALIGN(sizeof(xt_standard_target)) - sizeof(xt_entry_target);

uint16_t ReadU16(const char* at) {
  uint16_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

void WriteU16(uint16_t value, char* at) {
  std::memcpy(at, &value, sizeof(value));
}

// Zeroes what the kernel keeps for itself at the end of a match's data. Current
// kernels do so when a table is read, older ones show it.
void DropKernelState(Extension& match) {
  constexpr size_t kLimitUserSize = offsetof(xt_rateinfo, prev);
  if (match.name != "limit" || match.data.size() <= kLimitUserSize) return;
  std::fill(match.data.begin() + kLimitUserSize, match.data.end(), '\0');
}

// Reads the match or target at `at`, of which at most `room` bytes may be used.
absl::StatusOr<Extension> ReadExtension(const char* at, size_t room) {
  xt_entry_match head;
  if (room < sizeof(head)) {
    return absl::InternalError("an entry ends inside a match");
  }
  std::memcpy(&head, at, sizeof(head));
  const size_t size = head.u.user.match_size;
  if (size < sizeof(head) || size > room) {
    return absl::InternalError(
        absl::StrCat("a match claims ", size, " of ", room, " bytes"));
  }
  Extension extension;
  // Bytes after the name's end may be anything.
  extension.name.assign(head.u.user.name,
                        strnlen(head.u.user.name, sizeof(head.u.user.name)));
  extension.revision = head.u.user.revision;
  extension.data.assign(at + sizeof(head), size - sizeof(head));
  return extension;
}

void AppendExtension(const Extension& extension, size_t data_size,
                     std::string& out) {
  xt_entry_match head;
  std::memset(&head, 0, sizeof(head));
  head.u.user.match_size = static_cast<uint16_t>(sizeof(head) + data_size);
  extension.name.copy(head.u.user.name, sizeof(head.u.user.name) - 1);
  head.u.user.revision = extension.revision;
  out.append(reinterpret_cast<const char*>(&head), sizeof(head));
  out.append(extension.data);
  out.append(data_size - extension.data.size(), '\0');
}

}  // namespace

size_t EntryHeaderSize(Family family) { return LayoutOf(family).header_size; }

absl::StatusOr<EntryParts> Dissect(Family family, const void* entry,
                                   absl::string_view target) {
  const EntryLayout& layout = LayoutOf(family);
  const char* bytes = static_cast<const char*>(entry);
  const size_t target_offset = ReadU16(bytes + layout.target_offset);
  const size_t end = ReadU16(bytes + layout.next_offset);
  if (target_offset < layout.size || target_offset > end) {
    return absl::InternalError("an entry's target is outside of it");
  }

  EntryParts parts;
  parts.header.assign(bytes, layout.header_size);
  for (size_t at = layout.size; at < target_offset;) {
    ASSIGN_OR_RETURN(Extension match,
                     ReadExtension(bytes + at, target_offset - at));
    at += sizeof(xt_entry_match) + match.data.size();
    DropKernelState(match);
    parts.matches.push_back(std::move(match));
  }
  ASSIGN_OR_RETURN(parts.target,
                   ReadExtension(bytes + target_offset, end - target_offset));
  // XT_STANDARD_TARGET.
  if (parts.target.name.empty()) {
    parts.verdict = true;
    parts.target = Extension{std::string(target)};
  }
  return parts;
}

std::string Assemble(Family family, const EntryParts& parts,
                     PacketCounters counters) {
  const EntryLayout& layout = LayoutOf(family);
  std::string entry = parts.header;
  entry.resize(layout.size, '\0');
  const xt_counters kernel_counters = {counters.packets, counters.bytes};
  std::memcpy(&entry[layout.counters], &kernel_counters,
              sizeof(kernel_counters));
  for (const Extension& match : parts.matches) {
    AppendExtension(match, match.data.size(), entry);
  }
  WriteU16(static_cast<uint16_t>(entry.size()), &entry[layout.target_offset]);
  AppendExtension(parts.target,
                  parts.verdict ? kVerdictData : parts.target.data.size(),
                  entry);
  WriteU16(static_cast<uint16_t>(entry.size()), &entry[layout.next_offset]);
  return entry;
}

PacketCounters CountersOf(Family family, const void* entry) {
  xt_counters counters;
  std::memcpy(&counters,
              static_cast<const char*>(entry) + LayoutOf(family).counters,
              sizeof(counters));
  return {counters.pcnt, counters.bcnt};
}

}  // namespace netpol
