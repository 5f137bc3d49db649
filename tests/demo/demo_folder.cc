#include "tests/demo/demo_folder.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/manifest_writer.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTailLines = 20;
constexpr uint64_t kSeed = 1;

absl::Status ToStatus(const std::error_code& error, const std::string& tried) {
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), tried);
}

// Runfiles are links into the source tree: what they lead to is copied.
absl::Status CopyFile(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  return ToStatus(error, absl::StrCat("copying ", from, " to ", to));
}

// Adds the names of the files to `names`.
absl::Status CopyFolder(const std::string& from, const std::string& to,
                        std::set<std::string>& names) {
  std::error_code error;
  fs::create_directory(to, error);
  if (error) return ToStatus(error, absl::StrCat("making ", to));
  fs::directory_iterator entry(from, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    const absl::Status copied =
        CopyFile(entry->path(), absl::StrCat(to, "/", name));
    if (!copied.ok()) return copied;
    names.insert(name);
  }
  return ToStatus(error, absl::StrCat("listing ", from));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DemoFolder>> DemoFolder::Create(
    const std::string& runfiles) {
  const char* parent = getenv("TMPDIR");
  std::string path =
      absl::StrCat(parent == nullptr || *parent == '\0' ? "/tmp" : parent,
                   "/netpol-demo.XXXXXX");
  if (mkdtemp(path.data()) == nullptr)
    return absl::ErrnoToStatus(errno, absl::StrCat("making folder ", path));
  std::unique_ptr<DemoFolder> folder(
      new DemoFolder(path, absl::StrCat(runfiles, "/tests/demo")));
  const absl::Status copied = CopyFolder(folder->sources_ + "/manifests",
                                         folder->manifests(), folder->names_);
  if (!copied.ok()) return copied;
  RETURN_IF_ERROR(WriteManifests(MakeWorkload(NamedWorkload("S"), kSeed),
                                 folder->other_nodes()));
  return folder;
}

DemoFolder::~DemoFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> DemoFolder::EditedManifests(
    const std::string& name) const {
  std::vector<std::string> paths = {EditPath(name)};
  for (const std::string& other : names_) {
    if (other != name) paths.push_back(absl::StrCat(manifests(), "/", other));
  }
  return paths;
}

absl::StatusOr<absl::Time> DemoFolder::ApplyEdit(const std::string& name) {
  // No manifest by its name, so that nobody reads half of it.
  const std::string draft = absl::StrCat(manifests(), "/.", name, ".new");
  const absl::Status copied = CopyFile(EditPath(name), draft);
  if (!copied.ok()) return copied;
  std::error_code error;
  const absl::Time begin = absl::Now();
  fs::rename(draft, absl::StrCat(manifests(), "/", name), error);
  if (error) return ToStatus(error, absl::StrCat("renaming ", draft));
  names_.insert(name);
  return begin;
}

std::string DemoFolder::LogTail() const {
  std::ifstream in(log());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  const size_t first = lines.size() - std::min(lines.size(), kTailLines);
  return absl::StrJoin(lines.begin() + static_cast<ptrdiff_t>(first),
                       lines.end(), "\n");
}

}  // namespace netpol
