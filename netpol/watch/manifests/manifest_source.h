// Manifest files and folders as a source of objects, read once or followed
// live.
#ifndef NETPOL_WATCH_MANIFESTS_MANIFEST_SOURCE_H_
#define NETPOL_WATCH_MANIFESTS_MANIFEST_SOURCE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/watch/manifests/file_watcher.h"
#include "netpol/watch/manifests/manifest_store.h"
#include "netpol/watch/watch_source.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Follows manifest files. Of a folder all *.yaml, *.yml and *.json in it and
// below count, hidden ones excepted; symbolic links are followed, so a mounted
// ConfigMap works. What is read is told by ReadManifestText (object_reader.h).
//
// Enforcement outlives mistakes. When a document that was fine becomes
// unreadable, the objects that its file gave before stay as they were, and so
// do those of a file, folder or path that cannot be read any more; a path of
// the constructor's that vanishes counts as that, and is picked up again when
// it returns. All of this shows in problems(). To delete objects, delete them
// from a file that can be read, or delete a file in a folder.
//
// A change is told about 100 ms after the last write, or when the writer
// closes the file; for writers that never come to rest, after 5 s. Only files
// that changed are read again. Thread-compatible.
class ManifestSource : public WatchSource {
 public:
  // NotFound, PermissionDenied and their like if one of `paths` cannot be read;
  // InvalidArgument if there is none. Reads no file yet.
  static absl::StatusOr<std::unique_ptr<ManifestSource>> Create(
      std::vector<std::string> paths);

  // Never fails: what cannot be read is a problem.
  absl::Status Poll(absl::Duration timeout, const EventSink& events,
                    const ProblemSink& new_problems) override;
  const std::vector<SourceProblem>& problems() const override {
    return problems_;
  }
  int fd() const override { return watcher_->fd(); }

 private:
  ManifestSource(ManifestStore store, std::unique_ptr<FileWatcher> watcher)
      : store_(std::move(store)), watcher_(std::move(watcher)) {}

  void UpdateProblems(const absl::Status& watching,
                      const ProblemSink& new_problems);

  ManifestStore store_;
  std::unique_ptr<FileWatcher> watcher_;
  std::vector<SourceProblem> problems_;
  bool listed_ = false;
};

// What a look at some paths gives.
struct ManifestSet {
  std::vector<v1::WatchEvent> objects;  // UPSERTs by kind, namespace, name.
  std::vector<SourceProblem> problems;  // By place.
};

// Reads `paths` once, as a ManifestSource would at its first Poll. Errors as
// of ManifestSource::Create.
absl::StatusOr<ManifestSet> ReadManifests(std::vector<std::string> paths);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_MANIFEST_SOURCE_H_
