#include "netpol/daemon/logging.h"

#include <exception>
#include <memory>

#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace netpol {
namespace {

spdlog::logger* NewLogger() {
  auto* logger = new spdlog::logger(
      "netpolctl", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->flush_on(spdlog::level::debug);
  return logger;
}

// Never deleted: threads may log until the end.
spdlog::logger& Logger() {
  static spdlog::logger* const kLogger = NewLogger();
  return *kLogger;
}

void Log(spdlog::level::level_enum level, absl::string_view line) {
  try {
    Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
  } catch (const std::exception&) {
    // There is nowhere left to say so.
  }
}

}  // namespace

void SetLogVerbosity(int verbosity) {
  Logger().set_level(verbosity > 0 ? spdlog::level::debug
                                   : spdlog::level::info);
}

void LogDebug(absl::string_view line) { Log(spdlog::level::debug, line); }
void LogInfo(absl::string_view line) { Log(spdlog::level::info, line); }
void LogWarning(absl::string_view line) { Log(spdlog::level::warn, line); }
void LogError(absl::string_view line) { Log(spdlog::level::err, line); }

}  // namespace netpol
