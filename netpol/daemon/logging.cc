#include "netpol/daemon/logging.h"

#include <atomic>
#include <exception>
#include <memory>

#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace netpol {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";
constexpr char kJsonPattern[] =
    R"({"ts":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","msg":%v})";

std::atomic<LogFormat>& Format() {
  static std::atomic<LogFormat> format{LogFormat::kText};
  return format;
}

spdlog::logger* NewLogger() {
  auto* logger = new spdlog::logger(
      "netpolctl", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern(kTextPattern);
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
    if (!Logger().should_log(level)) return;
    const std::string form = LogForm(line, Format());
    Logger().log(level, spdlog::string_view_t(form.data(), form.size()));
  } catch (const std::exception&) {
    // There is nowhere left to say so.
  }
}

}  // namespace

void SetLogVerbosity(int verbosity) {
  Logger().set_level(verbosity > 0 ? spdlog::level::debug
                                   : spdlog::level::info);
}

void SetLogFormat(LogFormat format) {
  Format() = format;
  Logger().set_pattern(format == LogFormat::kJson ? kJsonPattern
                                                  : kTextPattern);
}

std::string LogForm(absl::string_view message, LogFormat format) {
  if (format == LogFormat::kJson) {
    return nlohmann::json(std::string(message))
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string text;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&text, "\\x%02x", byte);
    } else {
      text += c;
    }
  }
  return text;
}

void LogDebug(absl::string_view line) { Log(spdlog::level::debug, line); }
void LogInfo(absl::string_view line) { Log(spdlog::level::info, line); }
void LogWarning(absl::string_view line) { Log(spdlog::level::warn, line); }
void LogError(absl::string_view line) { Log(spdlog::level::err, line); }

}  // namespace netpol
