#include "netpol/dataplane/legacy/iptc_handle.h"

#include <libiptc/libiptc.h>

#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/dataplane/legacy/table_error.h"

// Debian's header does not say so itself.
extern "C" {
#include <libiptc/libip6tc.h>
}

namespace netpol {

// The part of libiptc that is used, with entries as plain pointers.
struct IptcFunctions {
  xtc_handle* (*init)(const char* table);
  void (*free)(xtc_handle*);
  const char* (*first_chain)(xtc_handle*);
  const char* (*next_chain)(xtc_handle*);
  int (*is_chain)(const char*, xtc_handle*);
  int (*builtin)(const char*, xtc_handle*);
  const void* (*first_rule)(const char*, xtc_handle*);
  const void* (*next_rule)(const void*, xtc_handle*);
  const char* (*get_target)(const void*, xtc_handle*);
  int (*get_references)(unsigned int*, const char*, xtc_handle*);
  int (*create_chain)(const char*, xtc_handle*);
  int (*flush_entries)(const char*, xtc_handle*);
  int (*delete_chain)(const char*, xtc_handle*);
  int (*insert_entry)(const char*, const void*, unsigned int, xtc_handle*);
  int (*delete_num_entry)(const char*, unsigned int, xtc_handle*);
  const char* (*builtin_verdict)(const char*, xt_counters*, xtc_handle*);
  int (*set_builtin_verdict)(const char*, const char*, xt_counters*,
                             xtc_handle*);
  int (*commit)(xtc_handle*);
  const char* (*strerror)(int);
};

namespace {

constexpr IptcFunctions kIpv4Functions = {
    iptc_init,
    iptc_free,
    iptc_first_chain,
    iptc_next_chain,
    iptc_is_chain,
    iptc_builtin,
    [](const char* chain, xtc_handle* handle) -> const void* {
      return iptc_first_rule(chain, handle);
    },
    [](const void* entry, xtc_handle* handle) -> const void* {
      return iptc_next_rule(static_cast<const ipt_entry*>(entry), handle);
    },
    [](const void* entry, xtc_handle* handle) {
      return iptc_get_target(static_cast<const ipt_entry*>(entry), handle);
    },
    iptc_get_references,
    iptc_create_chain,
    iptc_flush_entries,
    iptc_delete_chain,
    [](const char* chain, const void* entry, unsigned int position,
       xtc_handle* handle) {
      return iptc_insert_entry(chain, static_cast<const ipt_entry*>(entry),
                               position, handle);
    },
    iptc_delete_num_entry,
    iptc_get_policy,
    iptc_set_policy,
    iptc_commit,
    iptc_strerror,
};

constexpr IptcFunctions kIpv6Functions = {
    ip6tc_init,
    ip6tc_free,
    ip6tc_first_chain,
    ip6tc_next_chain,
    ip6tc_is_chain,
    ip6tc_builtin,
    [](const char* chain, xtc_handle* handle) -> const void* {
      return ip6tc_first_rule(chain, handle);
    },
    [](const void* entry, xtc_handle* handle) -> const void* {
      return ip6tc_next_rule(static_cast<const ip6t_entry*>(entry), handle);
    },
    [](const void* entry, xtc_handle* handle) {
      return ip6tc_get_target(static_cast<const ip6t_entry*>(entry), handle);
    },
    ip6tc_get_references,
    ip6tc_create_chain,
    ip6tc_flush_entries,
    ip6tc_delete_chain,
    [](const char* chain, const void* entry, unsigned int position,
       xtc_handle* handle) {
      return ip6tc_insert_entry(chain, static_cast<const ip6t_entry*>(entry),
                                position, handle);
    },
    ip6tc_delete_num_entry,
    ip6tc_get_policy,
    ip6tc_set_policy,
    ip6tc_commit,
    ip6tc_strerror,
};

constexpr char kTable[] = "filter";
constexpr const char* kBuiltinChains[] = {"INPUT", "FORWARD", "OUTPUT"};

}  // namespace

void IptcHandle::Free::operator()(xtc_handle* handle) const {
  functions->free(handle);
}

IptcHandle::IptcHandle(Family family, const IptcFunctions* functions,
                       xtc_handle* handle)
    : family_(family), functions_(functions), handle_(handle, {functions}) {}

absl::StatusOr<IptcHandle> IptcHandle::Open(Family family,
                                            const std::string& table) {
  const IptcFunctions* functions =
      family == Family::kIPv4 ? &kIpv4Functions : &kIpv6Functions;
  errno = 0;
  xtc_handle* handle = functions->init(table.c_str());
  if (handle == nullptr) {
    const int error = errno;
    const absl::Status status =
        TableReadError(family, error, functions->strerror(error));
    if (table == kTable) return status;
    return absl::Status(status.code(),
                        absl::StrCat("reading the legacy ", FamilyName(family),
                                     " table ", table, ": ",
                                     functions->strerror(error)));
  }
  return IptcHandle(family, functions, handle);
}

std::vector<std::string> IptcHandle::Chains() const {
  std::vector<std::string> chains;
  for (const char* chain = functions_->first_chain(handle_.get());
       chain != nullptr; chain = functions_->next_chain(handle_.get())) {
    chains.emplace_back(chain);
  }
  return chains;
}

bool IptcHandle::HasChain(const std::string& chain) const {
  return functions_->is_chain(chain.c_str(), handle_.get()) != 0;
}

bool IptcHandle::IsBuiltin(const std::string& chain) const {
  return functions_->builtin(chain.c_str(), handle_.get()) != 0;
}

std::vector<EntryView> IptcHandle::Rules(const std::string& chain) const {
  std::vector<EntryView> rules;
  for (const void* entry = functions_->first_rule(chain.c_str(), handle_.get());
       entry != nullptr; entry = functions_->next_rule(entry, handle_.get())) {
    const char* target = functions_->get_target(entry, handle_.get());
    rules.push_back({entry, target == nullptr ? "" : target});
  }
  return rules;
}

absl::StatusOr<unsigned int> IptcHandle::References(
    const std::string& chain) const {
  unsigned int references = 0;
  if (absl::Status status = Check(
          functions_->get_references(&references, chain.c_str(), handle_.get()),
          "counting the references to chain", chain);
      !status.ok()) {
    return status;
  }
  return references;
}

absl::Status IptcHandle::CreateChain(const std::string& chain) {
  return Check(functions_->create_chain(chain.c_str(), handle_.get()),
               "adding chain", chain);
}

absl::Status IptcHandle::FlushChain(const std::string& chain) {
  return Check(functions_->flush_entries(chain.c_str(), handle_.get()),
               "emptying chain", chain);
}

absl::Status IptcHandle::DeleteChain(const std::string& chain) {
  return Check(functions_->delete_chain(chain.c_str(), handle_.get()),
               "deleting chain", chain);
}

absl::Status IptcHandle::InsertAt(const std::string& chain,
                                  unsigned int position,
                                  const std::string& entry) {
  return Check(functions_->insert_entry(chain.c_str(), entry.data(), position,
                                        handle_.get()),
               "inserting a rule into chain", chain);
}

absl::Status IptcHandle::DeleteAt(const std::string& chain,
                                  unsigned int position) {
  return Check(
      functions_->delete_num_entry(chain.c_str(), position, handle_.get()),
      "deleting a rule of chain", chain);
}

int IptcHandle::Commit() {
  errno = 0;
  // libiptc would start the counters of the built-in chains' own verdicts at
  // zero, unless they are set.
  for (const char* chain : kBuiltinChains) {
    xt_counters counters = {};
    const char* verdict =
        functions_->builtin_verdict(chain, &counters, handle_.get());
    if (verdict != nullptr) {
      functions_->set_builtin_verdict(chain, verdict, &counters, handle_.get());
    }
  }
  if (functions_->commit(handle_.get()) != 0) return 0;
  // libiptc's "version error" leaves errno at 0.
  return errno != 0 ? errno : EINVAL;
}

absl::string_view IptcHandle::Explain(int error) const {
  return functions_->strerror(error);
}

absl::Status IptcHandle::Check(int result, absl::string_view step,
                               const std::string& chain) const {
  if (result != 0) return absl::OkStatus();
  const int error = errno;
  return TableWriteError(family_, absl::StrCat(step, " ", chain), error,
                         Explain(error));
}

}  // namespace netpol
