// The text of a manifest file to its documents.
#ifndef NETPOL_WATCH_MANIFESTS_DOCUMENT_READER_H_
#define NETPOL_WATCH_MANIFESTS_DOCUMENT_READER_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {

// One document: a tree, or the fault that makes it unreadable.
struct Document {
  int number = 1;  // Its place in the file, from 1, empty ones not counted.
  std::unique_ptr<DocumentTree> tree;
  absl::optional<DocumentFault> fault;
};

// Reads every document of a file. Text that begins with `{` or `[` is taken
// for JSON values, one behind the other; if `may_be_yaml` and it is not JSON,
// and in all other cases, for YAML documents between lines of `---` or `...`.
// Documents without content are left out. A fault costs its document only,
// and so does a size over kMaxDocumentBytes.
std::vector<Document> ReadDocuments(absl::string_view text, bool may_be_yaml);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_DOCUMENT_READER_H_
