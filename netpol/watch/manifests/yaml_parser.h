// YAML text to a document tree, with the scalars of YAML 1.1.
#ifndef NETPOL_WATCH_MANIFESTS_YAML_PARSER_H_
#define NETPOL_WATCH_MANIFESTS_YAML_PARSER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {

// Reads `text`, which is one document whose first line is line `first_line` of
// its file. `*tree` stays null when there is nothing but comments.
//
// Stricter than the parser below it where leniency could widen a policy: a key
// without its colon, text after the end of the document and control characters
// (one of which the parser takes for the end) are faults.
absl::optional<DocumentFault> ParseYaml(absl::string_view text, int first_line,
                                        std::unique_ptr<DocumentTree>* tree);

// What an unquoted scalar stands for: yes/no/on/off/true/false are booleans,
// 012, 0x1f and 0b1 integers, 1e3 a float, ~ and null null, all else strings;
// as in the YAML library of Kubernetes, but for y and n. Those are booleans
// there and strings to most other programs that write YAML; here they are
// strings, since no field is meant by them that a string would widen.
TreeNode ResolvePlainScalar(absl::string_view text);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_YAML_PARSER_H_
