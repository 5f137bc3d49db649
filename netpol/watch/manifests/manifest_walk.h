// Which manifest files lie under a path, and their text.
#ifndef NETPOL_WATCH_MANIFESTS_MANIFEST_WALK_H_
#define NETPOL_WATCH_MANIFESTS_MANIFEST_WALK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// Changes whenever a file's content may have.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;  // Since the epoch; so is changed_ns.
  int64_t changed_ns = 0;   // Also moves when somebody sets modified back.

  friend bool operator==(const FileStamp& a, const FileStamp& b) {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.modified_ns == b.modified_ns && a.changed_ns == b.changed_ns;
  }
};

struct FoundFile {
  std::string path;
  FileStamp stamp;
};

// Visits files and folders. One object is one walk: what it has seen under one
// path it does not see again under another, be it by overlap, by a symbolic
// link or in a circle. Thread-compatible.
class ManifestWalk {
 public:
  // Called with each folder before it is listed, and with each symbolic link
  // to a file: places where a change can show. May be empty.
  using PlaceSink = std::function<void(const std::string& path)>;

  explicit ManifestWalk(PlaceSink places) : places_(std::move(places)) {}

  // Appends to `*files` the file `path`, or the manifest files in the folder
  // `path` and below, sorted by path. Symbolic links are followed. A part that
  // cannot be read is appended to `*failures` with its path; an error means
  // that `path` itself cannot.
  absl::Status Visit(
      const std::string& path, std::vector<FoundFile>* files,
      std::vector<std::pair<std::string, absl::Status>>* failures);

 private:
  void VisitFolder(const std::string& folder, std::vector<FoundFile>* files,
                   std::vector<std::pair<std::string, absl::Status>>* failures);
  bool IsNew(const FileStamp& stamp) {
    return seen_.emplace(stamp.device, stamp.inode).second;
  }

  PlaceSink places_;
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen_;
};

// A name that ends in .yaml, .yml or .json and is not hidden. What editors
// leave behind (.x.yaml.swp, x.yaml~, #x.yaml#) has none of these.
bool IsManifestName(absl::string_view name);

// The text of a file, which has not changed while it was read; its stamp goes
// to `*stamp`. Over 64 MiB is ResourceExhausted; no regular file is
// InvalidArgument; a file that does not stop changing is Unavailable.
absl::StatusOr<std::string> ReadManifestFile(const std::string& path,
                                             FileStamp* stamp);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_MANIFEST_WALK_H_
