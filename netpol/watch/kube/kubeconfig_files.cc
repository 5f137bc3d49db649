#include "netpol/watch/kube/kubeconfig_files.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/small_file.h"
#include "netpol/watch/manifests/document_reader.h"

namespace netpol {

absl::StatusOr<KubeconfigFiles> KubeconfigFiles::Read(
    const std::vector<std::string>& paths) {
  KubeconfigFiles files;
  for (const std::string& path : paths) {
    absl::StatusOr<File> file = ReadOne(path);
    if (absl::IsNotFound(file.status()) && paths.size() > 1) continue;
    if (!file.ok()) return Annotate(file.status(), "kubeconfig");
    RETURN_IF_ERROR(Annotate(Check(*file), "kubeconfig"));
    files.files_.push_back(*std::move(file));
  }
  if (files.files_.empty()) {
    return absl::NotFoundError(
        absl::StrCat("kubeconfig: none of these files exists: ",
                     absl::StrJoin(paths, ", ")));
  }
  return files;
}

std::string KubeconfigFiles::Description() const {
  return absl::StrCat("kubeconfig ",
                      absl::StrJoin(files_, ":", [](std::string* out, auto& f) {
                        absl::StrAppend(out, f.path);
                      }));
}

absl::StatusOr<std::string> KubeconfigFiles::CurrentContext() const {
  for (const File& file : files_) {
    ASSIGN_OR_RETURN(std::string name, file.root().Text("current-context"));
    if (!name.empty()) return name;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Description(),
                   ": current-context: is missing; choose one of the contexts "
                   "with kubectl config use-context NAME"));
}

absl::StatusOr<KubeconfigField> KubeconfigFiles::Entry(
    absl::string_view list, absl::string_view key,
    absl::string_view name) const {
  for (const File& file : files_) {
    ASSIGN_OR_RETURN(const KubeconfigField field, file.root().Field(list));
    ASSIGN_OR_RETURN(const std::vector<KubeconfigField> entries,
                     field.Elements());
    for (const KubeconfigField& entry : entries) {
      ASSIGN_OR_RETURN(const std::string its_name, entry.Text("name"));
      if (its_name != name) continue;
      ASSIGN_OR_RETURN(const KubeconfigField value, entry.Field(key));
      return value.At(absl::StrCat(list, "[\"", name, "\"].", key));
    }
  }
  return KubeconfigField(files_.front().path,
                         absl::StrCat(list, "[\"", name, "\"]"), nullptr);
}

absl::StatusOr<KubeconfigFiles::File> KubeconfigFiles::ReadOne(
    const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadSmallFile(path, kMaxDocumentBytes));
  std::vector<Document> documents = ReadDocuments(text, /*may_be_yaml=*/true);
  File file;
  file.path = path;
  if (documents.empty()) return file;
  if (documents.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": has ", documents.size(), " documents; only one is possible"));
  }
  if (const auto& fault = documents[0].fault; fault.has_value()) {
    // Not the parser's own words: they quote the text, which may be a secret.
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", fault->position.line, ":", fault->position.column,
        ": cannot be read as YAML or JSON of reasonable size and depth"));
  }
  file.tree = std::move(documents[0].tree);
  return file;
}

absl::Status KubeconfigFiles::Check(const File& file) {
  const KubeconfigField root = file.root();
  ASSIGN_OR_RETURN(const std::string api_version, root.Text("apiVersion"));
  ASSIGN_OR_RETURN(const std::string kind, root.Text("kind"));
  if ((!api_version.empty() && api_version != "v1") ||
      (!kind.empty() && kind != "Config")) {
    return root.Refuse("is not a kubeconfig: apiVersion v1, kind Config");
  }
  for (const absl::string_view list : {"clusters", "contexts", "users"}) {
    ASSIGN_OR_RETURN(const KubeconfigField field, root.Field(list));
    ASSIGN_OR_RETURN(const std::vector<KubeconfigField> entries,
                     field.Elements());
    absl::flat_hash_set<std::string> names;
    for (const KubeconfigField& entry : entries) {
      ASSIGN_OR_RETURN(const std::string name, entry.Text("name"));
      if (!names.insert(name).second) {
        return entry.Refuse(absl::StrCat("an entry before it has the name \"",
                                         name, "\", too"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace netpol
