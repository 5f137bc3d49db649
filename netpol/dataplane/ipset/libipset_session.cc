#include "netpol/dataplane/ipset/libipset_session.h"

#include <libipset/data.h>
#include <libipset/errcode.h>
#include <libipset/session.h>
#include <libipset/types.h>

#include <cerrno>
#include <mutex>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_error.h"

namespace netpol {
namespace {

// The library's list of set types and its cache of set names have no lock of
// their own.
constinit std::mutex library_mutex;
constinit std::once_flag types_loaded;

int Discard(ipset_session*, void*, const char*, ...) { return 0; }

std::string TakeReport(ipset_session* session) {
  std::string text(
      absl::StripAsciiWhitespace(ipset_session_report_msg(session)));
  ipset_session_report_reset(session);
  return text;
}

// The library tells its callers texts, not numbers, so each number is asked for
// its text. 0 when none has it.
int ErrorOfText(ipset_session* session, enum ipset_cmd command,
                absl::string_view text) {
  const auto has_text = [&](int error) {
    ipset_errcode(session, command, error);
    return TakeReport(session) == text;
  };
  for (int error : {EPERM, EACCES, ENOENT, EEXIST, EBUSY, ENOMEM, ENOBUFS,
                    EAGAIN, EINTR, EINVAL, EOPNOTSUPP}) {
    if (has_text(error)) return error;
  }
  for (int error = IPSET_ERR_PROTOCOL; error <= IPSET_ERR_SKBINFO; ++error) {
    if (has_text(error)) return error;
  }
  return 0;
}

absl::Status TakeError(ipset_session* session, enum ipset_cmd command,
                       absl::string_view step) {
  const std::string text = TakeReport(session);
  const int error = ErrorOfText(session, command, text);
  if (error == 0)
    return absl::InternalError(absl::StrCat("ipset: ", step, ": ", text));
  return IpsetError(error, step);
}

// Runs `command` on the data that was set before, and forgets the data.
absl::Status Run(ipset_session* session, enum ipset_cmd command,
                 absl::string_view step) {
  if (ipset_cmd(session, command, /*lineno=*/0) < 0)
    return TakeError(session, command, step);
  // Warnings are of no use to anybody here.
  ipset_session_report_reset(session);
  return absl::OkStatus();
}

// Without a name the library, and the kernel, take a command for all sets.
absl::Status RequireName(const SetName& name) {
  if (!name.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("ipset: a set without a name");
}

bool SetData(ipset_session* session, ipset_opt option, const void* value) {
  return ipset_session_data_set(session, option, value) == 0;
}

bool SetCreateData(ipset_session* session, const SetSpec& spec,
                   uint32_t hash_size) {
  const std::string type(SetTypeName(spec.type));
  const uint8_t family =
      spec.family == Family::kIPv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  return SetData(session, IPSET_SETNAME, spec.name.value().c_str()) &&
         SetData(session, IPSET_OPT_TYPENAME, type.c_str()) &&
         SetData(session, IPSET_OPT_FAMILY, &family) &&
         // Chooses the newest revision that kernel and library share.
         ipset_type_get(session, IPSET_CMD_CREATE) != nullptr &&
         SetData(session, IPSET_OPT_HASHSIZE, &hash_size) &&
         SetData(session, IPSET_OPT_MAXELEM, &spec.max_elements);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LibipsetSession>> LibipsetSession::Open() {
  std::call_once(types_loaded, ipset_load_types);
  const std::lock_guard<std::mutex> lock(library_mutex);
  ipset_session* session = ipset_session_init(&Discard, nullptr);
  if (session == nullptr)
    return absl::ResourceExhaustedError("ipset: no memory for a session");
  // Opens the socket now, in this thread's network namespace, instead of at the
  // first use.
  if (absl::Status status =
          Run(session, IPSET_CMD_NONE, "open a session of libipset");
      !status.ok()) {
    ipset_session_fini(session);
    return status;
  }
  return std::unique_ptr<LibipsetSession>(new LibipsetSession(session));
}

LibipsetSession::LibipsetSession(ipset_session* session) : session_(session) {}

LibipsetSession::~LibipsetSession() {
  const std::lock_guard<std::mutex> lock(library_mutex);
  ipset_session_fini(session_);
}

absl::Status LibipsetSession::Create(const SetSpec& spec, uint32_t hash_size) {
  RETURN_IF_ERROR(RequireName(spec.name));
  const std::lock_guard<std::mutex> lock(library_mutex);
  const std::string step = SetStep("create", spec);
  ipset_data_reset(ipset_session_data(session_));
  if (!SetCreateData(session_, spec, hash_size))
    return TakeError(session_, IPSET_CMD_CREATE, step);
  const absl::Status status = Run(session_, IPSET_CMD_CREATE, step);
  // The library would keep the name for members that it is asked to add, and
  // walk the list of them at every creation.
  if (status.ok()) ipset_cache_del(spec.name.value().c_str());
  return status;
}

absl::Status LibipsetSession::Swap(const SetName& from, const SetName& to) {
  RETURN_IF_ERROR(RequireName(from));
  RETURN_IF_ERROR(RequireName(to));
  const std::lock_guard<std::mutex> lock(library_mutex);
  const std::string step =
      absl::StrCat("swap sets \"", from.value(), "\" and \"", to.value(), "\"");
  ipset_data_reset(ipset_session_data(session_));
  if (!SetData(session_, IPSET_SETNAME, from.value().c_str()) ||
      !SetData(session_, IPSET_OPT_SETNAME2, to.value().c_str())) {
    return TakeError(session_, IPSET_CMD_SWAP, step);
  }
  return Run(session_, IPSET_CMD_SWAP, step);
}

absl::Status LibipsetSession::Destroy(const SetName& name) {
  RETURN_IF_ERROR(RequireName(name));
  const std::lock_guard<std::mutex> lock(library_mutex);
  const std::string step = absl::StrCat("destroy set \"", name.value(), "\"");
  ipset_data_reset(ipset_session_data(session_));
  if (!SetData(session_, IPSET_SETNAME, name.value().c_str()))
    return TakeError(session_, IPSET_CMD_DESTROY, step);
  return Run(session_, IPSET_CMD_DESTROY, step);
}

}  // namespace netpol
