#include "tests/embed/process_census.h"

#include <dirent.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

// The numbers that are entries of `folder`, without that of the reading itself.
std::set<int> NumbersIn(const char* folder) {
  std::set<int> numbers;
  DIR* const dir = opendir(folder);
  if (dir == nullptr) return numbers;
  while (const dirent* entry = readdir(dir)) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers.insert(number);
  }
  if (absl::string_view(folder) == "/proc/self/fd") numbers.erase(dirfd(dir));
  closedir(dir);
  return numbers;
}

std::string TargetOf(int file) {
  char target[PATH_MAX] = {};
  const std::string link = absl::StrCat("/proc/self/fd/", file);
  const ssize_t size = readlink(link.c_str(), target, sizeof(target) - 1);
  return size < 0 ? "?" : std::string(target, static_cast<size_t>(size));
}

}  // namespace

ProcessCensus TakeCensus() {
  ProcessCensus census;
  for (int thread : NumbersIn("/proc/self/task")) census.threads.insert(thread);
  census.files = NumbersIn("/proc/self/fd");
  return census;
}

std::ostream& operator<<(std::ostream& os, const ProcessCensus& census) {
  os << census.threads.size() << " threads; files";
  for (int file : census.files) os << " " << file << "=" << TargetOf(file);
  return os;
}

uint64_t SignalsBlockedBy(pid_t thread) {
  std::ifstream status(absl::StrCat("/proc/self/task/", thread, "/status"));
  std::string word;
  while (status >> word) {
    if (word != "SigBlk:") continue;
    status >> word;
    return strtoull(word.c_str(), nullptr, 16);
  }
  return 0;
}

}  // namespace netpol
