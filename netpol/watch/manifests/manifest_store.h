// What a list of paths holds, and what changed in it from one look to the next.
#ifndef NETPOL_WATCH_MANIFESTS_MANIFEST_STORE_H_
#define NETPOL_WATCH_MANIFESTS_MANIFEST_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "netpol/watch/manifests/manifest_walk.h"
#include "netpol/watch/manifests/object_reader.h"
#include "netpol/watch/watch_source.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Reads manifest files and remembers what they gave. Thread-compatible.
//
// Nothing is deleted because it cannot be read. Of a path, folder or file that
// was read before and now is gone (paths given to the constructor only) or
// refuses to be read, all objects stay; of a file with a part that cannot be
// read, all objects that its other parts do not give; and an object that can
// be named but not read stays as it was. Each such case is a problem until it
// is over.
class ManifestStore {
 public:
  // What there is of an object when several places give it: the first place in
  // the order of `paths`, then of file paths, then of the text.
  explicit ManifestStore(std::vector<std::string> paths);

  // The paths, in order.
  const std::vector<std::string>& paths() const { return paths_; }

  // OK if every path can be read; an error names the first that cannot.
  absl::Status CheckPaths() const;

  // Reads every file that changed since the last call, and returns what that
  // changed: UPSERTs, then DELETEs, each sorted by kind, namespace and name.
  // `places` is called with everything whose change would matter, before it is
  // looked at (ManifestWalk).
  std::vector<v1::WatchEvent> Refresh(const ManifestWalk::PlaceSink& places);

  // What is wrong as of the last Refresh(), sorted by place.
  const std::vector<SourceProblem>& problems() const { return problems_; }

 private:
  struct File {
    std::string path;
    FileStamp stamp;
    // The stamp can be relied on; it cannot when the file changed so short a
    // time before the look that another change may bear the same time.
    bool settled = false;
    ManifestReading reading;
    // What `reading` could not read, as it was before. Gives way to whatever
    // else gives the same object.
    std::vector<ManifestObject> kept;
    // Of a file that cannot be read: why.
    absl::Status status;
  };
  using Owned = absl::btree_map<ManifestKey, ManifestObject>;

  std::vector<File> VisitPath(const std::string& path, ManifestWalk* walk);
  File Load(FoundFile found);
  void KeepUnreadable(const File& before, File* file) const;
  // The files from before at or below `path`; they are moved out.
  void TakeOld(const std::string& path, const absl::Status& why,
               std::vector<File>* files);
  Owned Merge(const std::vector<File>& files);
  void AddProblem(SourceProblem::Severity severity, const std::string& file,
                  std::string message);

  const std::vector<std::string> paths_;
  // By path.
  absl::flat_hash_map<std::string, File> files_;
  Owned told_;
  std::vector<SourceProblem> problems_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_MANIFEST_STORE_H_
