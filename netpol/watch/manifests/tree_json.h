// A document as JSON of the library that others take.
#ifndef NETPOL_WATCH_MANIFESTS_TREE_JSON_H_
#define NETPOL_WATCH_MANIFESTS_TREE_JSON_H_

#include "netpol/watch/manifests/document_tree.h"
#include "nlohmann/json.hpp"

namespace netpol {

// The depth of a tree is bounded, and so is this.
nlohmann::json JsonOfTree(const TreeNode& node);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_TREE_JSON_H_
