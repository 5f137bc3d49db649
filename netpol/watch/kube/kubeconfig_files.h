// Several kubeconfig files as one.
#ifndef NETPOL_WATCH_KUBE_KUBECONFIG_FILES_H_
#define NETPOL_WATCH_KUBE_KUBECONFIG_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/kubeconfig_field.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {

// Reads YAML or JSON, of bounded size and depth. Of entries with one name the
// first file's counts. Immutable.
class KubeconfigFiles {
 public:
  // `paths` are absolute. Missing files are skipped if there is more than one
  // path, but not all of them. Errors name the file, and quote nothing of it.
  static absl::StatusOr<KubeconfigFiles> Read(
      const std::vector<std::string>& paths);

  // The file, or all files, for messages: "kubeconfig /etc/a.yaml".
  std::string Description() const;

  // InvalidArgument if no file says.
  absl::StatusOr<std::string> CurrentContext() const;

  // What stands under `key` in the entry called `name` of `list`, as
  // clusters["name"].cluster; absent if there is no such entry. Good as long
  // as this.
  absl::StatusOr<KubeconfigField> Entry(absl::string_view list,
                                        absl::string_view key,
                                        absl::string_view name) const;

 private:
  struct File {
    std::string path;
    std::unique_ptr<DocumentTree> tree;  // Null if the file is empty.

    KubeconfigField root() const {
      return KubeconfigField(path, "",
                             tree == nullptr ? nullptr : &tree->root());
    }
  };

  static absl::StatusOr<File> ReadOne(const std::string& path);
  static absl::Status Check(const File& file);

  std::vector<File> files_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_FILES_H_
