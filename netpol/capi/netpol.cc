#include "netpol/capi/netpol.h"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/version.h"
#include "netpol/capi/embedded_controller.h"
#include "netpol/capi/embedded_options.h"
#include "netpol/capi/event_form.h"
#include "netpol/capi/host_callbacks.h"
#include "netpol/capi/last_error.h"
#include "netpol/enforcer/enforcer.h"
#include "netpol/enforcer/json_form.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/plan_form.h"

struct netpol_handle {
  explicit netpol_handle(netpol::EmbeddedOptions options)
      : controller(std::move(options)) {}

  netpol::EmbeddedController controller;
  netpol::LastError error;
};

namespace netpol {
namespace {

netpol_code CodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return NETPOL_OK;
    case absl::StatusCode::kInvalidArgument:
      return NETPOL_INVALID_ARGUMENT;
    case absl::StatusCode::kFailedPrecondition:
      return NETPOL_FAILED_PRECONDITION;
    case absl::StatusCode::kPermissionDenied:
      return NETPOL_PERMISSION_DENIED;
    case absl::StatusCode::kNotFound:
      return NETPOL_NOT_FOUND;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return NETPOL_UNAVAILABLE;
    case absl::StatusCode::kUnimplemented:
      return NETPOL_UNIMPLEMENTED;
    default:
      return NETPOL_INTERNAL;
  }
}

netpol_code Fail(netpol_handle* handle, netpol_code code,
                 absl::string_view text) {
  try {
    if (handle != nullptr) handle->error.Set(text);
    ThreadsLastError().Set(text);
  } catch (const std::exception&) {
    // No memory for the text; the code says enough.
  }
  return code;
}

// Every call of the host goes through here: no exception gets out.
netpol_code Call(netpol_handle* handle,
                 const std::function<absl::Status()>& work) {
  try {
    const absl::Status status = work();
    if (status.ok()) return NETPOL_OK;
    return Fail(handle, CodeOf(status.code()), status.message());
  } catch (const abi::__forced_unwind&) {
    // The host cancels this thread: that cannot be kept.
    throw;
  } catch (const std::exception& error) {
    return Fail(handle, NETPOL_INTERNAL, error.what());
  } catch (...) {
    return Fail(handle, NETPOL_INTERNAL, "an unknown exception");
  }
}

absl::Status NotInCallback() {
  if (!InHostCallback()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "called from a callback; only status, request_sync and last_error may be "
      "called there");
}

// A call that needs a handle; `host_only`: not one from a callback.
netpol_code With(netpol_handle* handle, bool host_only,
                 const std::function<absl::Status(EmbeddedController&)>& work) {
  return Call(handle, [&]() -> absl::Status {
    if (handle == nullptr)
      return absl::InvalidArgumentError("the handle is NULL");
    if (host_only) RETURN_IF_ERROR(NotInCallback());
    return work(handle->controller);
  });
}

char* CopyOf(absl::string_view text) {
  char* copy = static_cast<char*>(malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

// For the host, who will free it.
absl::Status Give(absl::string_view text, char** result) {
  *result = CopyOf(text);
  return *result != nullptr
             ? absl::OkStatus()
             : absl::ResourceExhaustedError("no memory for the answer");
}

absl::Status CheckPlace(char** result) {
  if (result == nullptr)
    return absl::InvalidArgumentError("no place for the answer: it is NULL");
  *result = nullptr;
  return absl::OkStatus();
}

absl::StatusOr<std::string> PlanInForm(const Plan& plan, netpol_form form) {
  switch (form) {
    case NETPOL_TEXT:
      return plan.ToString();
    case NETPOL_JSON:
      return WireJsonOf(PlanToProto(plan));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("form ", form, " is neither NETPOL_TEXT nor NETPOL_JSON"));
}

// Of everything that this machine should have, and of where packets get past.
absl::StatusOr<std::string> Findings(uint32_t families) {
  ASSIGN_OR_RETURN(const std::vector<Family> read, ReadFamilies(families));
  const FlavourDecision decision = DecideFlavour(absl::nullopt, read);
  v1::CheckResult result = CheckKernel(read, decision.flavour);
  result.set_iptables_backend(std::string(FlavourName(decision.flavour)));
  result.set_backend_reason(decision.reason);
  const v1::CheckResult blind = CheckBlindSpots(read);
  result.mutable_findings()->MergeFrom(blind.findings());
  result.set_ok(result.ok() && blind.ok());
  return JsonOf(result);
}

}  // namespace
}  // namespace netpol

netpol_code netpol_create(const netpol_options* options,
                          netpol_handle** handle) {
  return netpol::Call(nullptr, [&]() -> absl::Status {
    if (handle == nullptr)
      return absl::InvalidArgumentError("no place for the handle: it is NULL");
    *handle = nullptr;
    RETURN_IF_ERROR(netpol::NotInCallback());
    ASSIGN_OR_RETURN(netpol::EmbeddedOptions read,
                     netpol::ReadEmbeddedOptions(options));
    *handle = std::make_unique<netpol_handle>(std::move(read)).release();
    return absl::OkStatus();
  });
}

netpol_code netpol_start(netpol_handle* handle) {
  return netpol::With(handle, true, [](netpol::EmbeddedController& controller) {
    return controller.Start();
  });
}

netpol_code netpol_feed(netpol_handle* handle, netpol_event event,
                        const void* bytes, size_t length) {
  return netpol::With(
      handle, true,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        ASSIGN_OR_RETURN(auto told, netpol::ObjectEvent(event, bytes, length));
        return controller.Post(std::move(told));
      });
}

netpol_code netpol_delete(netpol_handle* handle, netpol_kind kind,
                          const char* object_namespace, const char* name) {
  return netpol::With(
      handle, true,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        ASSIGN_OR_RETURN(auto told,
                         netpol::DeletedEvent(kind, object_namespace, name));
        return controller.Post(std::move(told));
      });
}

netpol_code netpol_listed(netpol_handle* handle, netpol_kind kind) {
  return netpol::With(
      handle, true,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        ASSIGN_OR_RETURN(auto told, netpol::ListedEvent(kind));
        return controller.Post(std::move(told));
      });
}

netpol_code netpol_listing(netpol_handle* handle, netpol_kind kind) {
  return netpol::With(
      handle, true,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        ASSIGN_OR_RETURN(auto told, netpol::ListingEvent(kind));
        return controller.Post(std::move(told));
      });
}

netpol_code netpol_request_sync(netpol_handle* handle) {
  return netpol::With(handle, false,
                      [](netpol::EmbeddedController& controller) {
                        return controller.RequestSync();
                      });
}

netpol_code netpol_preview(netpol_handle* handle, netpol_form form,
                           char** plan) {
  return netpol::With(
      handle, true,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        RETURN_IF_ERROR(netpol::CheckPlace(plan));
        // Before the plan is made, which takes long.
        RETURN_IF_ERROR(netpol::PlanInForm({}, form).status());
        ASSIGN_OR_RETURN(const netpol::Plan made, controller.Preview());
        ASSIGN_OR_RETURN(const std::string text,
                         netpol::PlanInForm(made, form));
        return netpol::Give(text, plan);
      });
}

netpol_code netpol_status(netpol_handle* handle, char** status) {
  return netpol::With(
      handle, false,
      [&](netpol::EmbeddedController& controller) -> absl::Status {
        RETURN_IF_ERROR(netpol::CheckPlace(status));
        return netpol::Give(netpol::WireJsonOf(controller.Status()), status);
      });
}

netpol_code netpol_stop(netpol_handle* handle, int32_t with_cleanup) {
  return netpol::With(handle, true,
                      [&](netpol::EmbeddedController& controller) {
                        return controller.Stop(with_cleanup != 0);
                      });
}

netpol_code netpol_destroy(netpol_handle* handle) {
  if (handle == nullptr) return NETPOL_OK;
  const netpol_code code = netpol_stop(handle, 0);
  if (code == NETPOL_OK) delete handle;
  return code;
}

netpol_code netpol_cleanup(int64_t lock_timeout_ms) {
  return netpol::Call(nullptr, [&]() -> absl::Status {
    RETURN_IF_ERROR(netpol::NotInCallback());
    ASSIGN_OR_RETURN(
        const absl::Duration lock_timeout,
        netpol::ReadMilliseconds("lock_timeout_ms", lock_timeout_ms,
                                 netpol::EnforcerOptions().lock_timeout));
    return netpol::CleanUpHere(lock_timeout);
  });
}

netpol_code netpol_check(uint32_t families, char** findings) {
  return netpol::Call(nullptr, [&]() -> absl::Status {
    RETURN_IF_ERROR(netpol::CheckPlace(findings));
    RETURN_IF_ERROR(netpol::NotInCallback());
    ASSIGN_OR_RETURN(const std::string text, netpol::Findings(families));
    return netpol::Give(text, findings);
  });
}

char* netpol_last_error(netpol_handle* handle) {
  try {
    return netpol::CopyOf(handle != nullptr ? handle->error.Get()
                                            : netpol::ThreadsLastError().Get());
  } catch (const std::exception&) {
    return nullptr;
  }
}

void netpol_free(char* text) { free(text); }

const char* netpol_version(void) { return netpol::kNetpolVersion; }
