// JSON text to a document tree.
#ifndef NETPOL_WATCH_MANIFESTS_JSON_PARSER_H_
#define NETPOL_WATCH_MANIFESTS_JSON_PARSER_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {

// Reads the one JSON value (RFC 8259) that `text` begins with, `start` being
// the place of its first byte in the file. `*length` becomes the number of
// bytes read; on a fault, those up to the fault. What follows is not looked
// at: manifests may be written one behind the other.
absl::optional<DocumentFault> ParseJson(absl::string_view text, Position start,
                                        std::unique_ptr<DocumentTree>* tree,
                                        size_t* length);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_JSON_PARSER_H_
