// The demo's files: everything it writes is in one folder of its own.
#ifndef NETPOL_TESTS_DEMO_DEMO_FOLDER_H_
#define NETPOL_TESTS_DEMO_DEMO_FOLDER_H_

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace netpol {

// A temporary folder (in $TMPDIR, else /tmp), gone with this object.
// Thread-compatible.
class DemoFolder {
 public:
  // Holds a copy of the demo's manifests, and the other nodes. `runfiles` is
  // the folder that the workspace's paths count from.
  static absl::StatusOr<std::unique_ptr<DemoFolder>> Create(
      const std::string& runfiles);

  DemoFolder(const DemoFolder&) = delete;
  DemoFolder& operator=(const DemoFolder&) = delete;
  ~DemoFolder();

  std::string manifests() const { return path_ + "/manifests"; }
  // The manifests of many other nodes with their pods and policies: workload
  // "S" (netpol/testing/workload.h).
  std::string other_nodes() const { return path_ + "/other-nodes"; }
  std::string log() const { return path_ + "/netpolctl.log"; }
  std::string run_lock() const { return path_ + "/run.lock"; }
  std::string xtables_lock() const { return path_ + "/xtables.lock"; }

  // The files that ApplyEdit(name) would make the manifests equal to.
  std::vector<std::string> EditedManifests(const std::string& name) const;
  // Puts the demo's edit `name` among the manifests, in place of the file of
  // that name if there is one: written beside it and renamed, as editors do.
  // Returns the time of the renaming.
  absl::StatusOr<absl::Time> ApplyEdit(const std::string& name);

  // The last lines of the daemon's log; empty if there is none.
  std::string LogTail() const;

 private:
  std::string EditPath(const std::string& name) const {
    return sources_ + "/edits/" + name;
  }

  DemoFolder(std::string path, std::string sources)
      : path_(std::move(path)), sources_(std::move(sources)) {}

  std::string path_;
  std::string sources_;
  std::set<std::string> names_;  // Of the manifests.
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DEMO_DEMO_FOLDER_H_
