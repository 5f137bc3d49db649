#include "netpol/watch/manifests/manifest_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{64} << 20;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

FileStamp StampOf(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, Nanoseconds(info.st_mtim),
          Nanoseconds(info.st_ctim)};
}

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
}

absl::StatusOr<std::string> ReadOnce(const std::string& path, FileStamp* before,
                                     FileStamp* after) {
  // Not blocking: a pipe of that name must not stop us.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Failed("open", path);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) return Failed("read", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a file"));
  }
  if (info.st_size > kMaxFileBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, " has ", info.st_size, " bytes, more than ",
                     kMaxFileBytes, "; split it"));
  }
  *before = StampOf(info);
  std::string text(static_cast<size_t>(info.st_size) + 1, '\0');
  size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(fd, &text[length], text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  text.resize(length);
  if (fstat(fd, &info) != 0) return Failed("read", path);
  *after = StampOf(info);
  return text;
}

}  // namespace

absl::Status ManifestWalk::Visit(
    const std::string& path, std::vector<FoundFile>* files,
    std::vector<std::pair<std::string, absl::Status>>* failures) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Failed("find", path);
  const FileStamp stamp = StampOf(info);
  if (!S_ISDIR(info.st_mode)) {
    if (!S_ISREG(info.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is neither a file nor a folder"));
    }
    if (places_) places_(path);
    if (access(path.c_str(), R_OK) != 0) return Failed("read", path);
    if (IsNew(stamp)) files->push_back({path, stamp});
    return absl::OkStatus();
  }
  if (places_) places_(path);
  if (access(path.c_str(), R_OK | X_OK) != 0) return Failed("list", path);
  if (!IsNew(stamp)) return absl::OkStatus();
  const auto first = static_cast<std::ptrdiff_t>(files->size());
  VisitFolder(path, files, failures);
  std::sort(
      files->begin() + first, files->end(),
      [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  return absl::OkStatus();
}

void ManifestWalk::VisitFolder(
    const std::string& folder, std::vector<FoundFile>* files,
    std::vector<std::pair<std::string, absl::Status>>* failures) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (name[0] != '.') names.push_back(std::move(name));
  }
  if (error) {
    failures->emplace_back(
        folder, absl::ErrnoToStatus(error.value(),
                                    absl::StrCat("cannot list ", folder)));
  }
  // Sorted, so that of two paths to one file it is always the same that counts.
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path =
        absl::StrCat(folder, absl::EndsWith(folder, "/") ? "" : "/", name);
    struct stat info;
    if (stat(path.c_str(), &info) != 0) {
      // A link to nowhere. Only what would be read is worth a word.
      if (IsManifestName(name))
        failures->emplace_back(path, Failed("find", path));
      continue;
    }
    const FileStamp stamp = StampOf(info);
    if (S_ISDIR(info.st_mode)) {
      if (!IsNew(stamp)) continue;
      if (places_) places_(path);
      VisitFolder(path, files, failures);
    } else if (S_ISREG(info.st_mode) && IsManifestName(name) && IsNew(stamp)) {
      struct stat link;
      const bool is_link =
          lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
      if (is_link && places_) places_(path);
      files->push_back({path, stamp});
    }
  }
}

bool IsManifestName(absl::string_view name) {
  return !absl::StartsWith(name, ".") &&
         (absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml") ||
          absl::EndsWith(name, ".json"));
}

absl::StatusOr<std::string> ReadManifestFile(const std::string& path,
                                             FileStamp* stamp) {
  constexpr int kAttempts = 3;
  for (int i = 0; i < kAttempts; ++i) {
    FileStamp before;
    absl::StatusOr<std::string> text = ReadOnce(path, &before, stamp);
    if (!text.ok() || before == *stamp) return text;
  }
  return absl::UnavailableError(
      absl::StrCat(path, " changes while it is being read"));
}

}  // namespace netpol
