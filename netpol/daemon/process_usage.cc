#include "netpol/daemon/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

double Number(const std::vector<std::string>& fields, size_t index) {
  double number = 0;
  if (index >= fields.size() || !absl::SimpleAtod(fields[index], &number))
    return 0;
  return number;
}

// Of /proc/self/stat, from "state" on: the name before it may hold blanks and
// brackets. See proc(5), whose field N is here at N - 3.
std::vector<std::string> StatFields() {
  const std::string stat = ReadAll("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > stat.size()) return {};
  return absl::StrSplit(stat.substr(name_end + 2), ' ');
}

// When the machine was started.
double BootSeconds() {
  double seconds = 0;
  for (absl::string_view line : absl::StrSplit(ReadAll("/proc/stat"), '\n')) {
    if (absl::StartsWith(line, "btime ") &&
        absl::SimpleAtod(line.substr(6), &seconds)) {
      return seconds;
    }
  }
  return 0;
}

double CountOpenFds() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator it("/proc/self/fd", error), end;
  for (; !error && it != end; it.increment(error)) ++count;
  // The one that reads the folder.
  return count > 0 ? count - 1 : 0;
}

double MaxFds() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const std::vector<std::string> fields = StatFields();
  if (!fields.empty() && ticks > 0) {
    usage.cpu_seconds = (Number(fields, 11) + Number(fields, 12)) / ticks;
    usage.start_seconds = BootSeconds() + Number(fields, 19) / ticks;
    usage.threads = Number(fields, 17);
    usage.virtual_bytes = Number(fields, 20);
    usage.resident_bytes =
        Number(fields, 21) * static_cast<double>(sysconf(_SC_PAGESIZE));
  }
  usage.open_fds = CountOpenFds();
  usage.max_fds = MaxFds();
  return usage;
}

}  // namespace netpol
