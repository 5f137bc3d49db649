#include "netpol/capi/host_callbacks.h"

#include <cxxabi.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

thread_local int callbacks_entered = 0;

// Calls `host` and keeps what it may throw.
template <typename Host>
void Enter(const Host& host) {
  ++callbacks_entered;
  try {
    host();
  } catch (const abi::__forced_unwind&) {
    // The thread is being cancelled: that cannot be kept.
    throw;
  } catch (...) {
  }
  --callbacks_entered;
}

int32_t LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return NETPOL_LOG_DEBUG;
    case LogLevel::kInfo:
      return NETPOL_LOG_INFO;
    case LogLevel::kWarning:
      return NETPOL_LOG_WARNING;
    case LogLevel::kError:
      break;
  }
  return NETPOL_LOG_ERROR;
}

}  // namespace

EnforcerCallbacks HostCallbacks(const EmbeddedOptions& options) {
  EnforcerCallbacks callbacks;
  void* const user = options.user;
  if (options.log != nullptr) {
    callbacks.log = [user, log = options.log](LogLevel level,
                                              absl::string_view text) {
      const std::string line(text);
      Enter([&] { log(user, LevelOf(level), line.c_str()); });
    };
  }
  if (options.health != nullptr) {
    callbacks.on_health = [user,
                           health = options.health](const HealthVerdict& now) {
      const std::string reasons = absl::StrJoin(now.reasons, "\n");
      Enter([&] {
        health(user, now.alive, now.healthy, now.ready, reasons.c_str());
      });
    };
  }
  if (options.first_sync_done != nullptr) {
    callbacks.on_first_sync = [user, done = options.first_sync_done] {
      Enter([&] { done(user); });
    };
  }
  return callbacks;
}

bool InHostCallback() { return callbacks_entered > 0; }

}  // namespace netpol
