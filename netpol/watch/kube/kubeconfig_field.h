// The values of kubeconfig files, with where they stand.
#ifndef NETPOL_WATCH_KUBE_KUBECONFIG_FIELD_H_
#define NETPOL_WATCH_KUBE_KUBECONFIG_FIELD_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {

// A value, or the place where one could be. What is null counts as absent, and
// unknown keys as not there. All errors are InvalidArgument, name file and
// field, and quote no value: it may be a secret. Borrows the tree.
class KubeconfigField {
 public:
  // `path` is the field's, empty for the whole file; `node` is null if there is
  // nothing.
  KubeconfigField(std::string file, std::string path, const TreeNode* node)
      : file_(std::move(file)), path_(std::move(path)), node_(node) {}

  bool present() const {
    return node_ != nullptr && node_->kind != TreeNode::Kind::kNull;
  }
  const std::string& file() const { return file_; }

  // "file: field: why".
  absl::Status Refuse(absl::string_view why) const;

  // The value at `key`. An error if this is no map, or has the key twice.
  absl::StatusOr<KubeconfigField> Field(absl::string_view key) const;
  // The elements; none if it is absent. An error if this is no list.
  absl::StatusOr<std::vector<KubeconfigField>> Elements() const;
  // The elements of a list of strings.
  absl::StatusOr<std::vector<std::string>> Texts() const;
  // This under another path.
  KubeconfigField At(std::string path) const {
    return KubeconfigField(file_, std::move(path), node_);
  }

  // This, or the value at `key`, as that kind; empty, or false, if it is
  // absent.
  absl::StatusOr<std::string> Text() const;
  absl::StatusOr<std::string> Text(absl::string_view key) const;
  absl::StatusOr<bool> Flag(absl::string_view key) const;
  // The name of a file; a relative one is resolved against the folder of the
  // kubeconfig file.
  absl::StatusOr<std::string> FileName(absl::string_view key) const;
  // What base64 text stands for.
  absl::StatusOr<std::string> Decoded(absl::string_view key) const;

  // All of it as JSON; "null" if it is absent.
  std::string ToJson() const;

 private:
  std::string file_;
  std::string path_;
  const TreeNode* node_;
};

// `name` below the folder of the file `file`, without "." and ".."; `name`
// itself if it is absolute or empty.
std::string BesideFile(const std::string& file, const std::string& name);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_FIELD_H_
