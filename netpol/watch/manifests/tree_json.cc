#include "netpol/watch/manifests/tree_json.h"

namespace netpol {

nlohmann::json JsonOfTree(const TreeNode& node) {
  switch (node.kind) {
    case TreeNode::Kind::kNull:
      return nullptr;
    case TreeNode::Kind::kBool:
      return node.boolean;
    case TreeNode::Kind::kInt:
      return node.integer;
    case TreeNode::Kind::kFloat:
      return node.number;
    case TreeNode::Kind::kString:
      return node.text;
    case TreeNode::Kind::kList: {
      nlohmann::json list = nlohmann::json::array();
      for (const TreeNode* item : node.items) list.push_back(JsonOfTree(*item));
      return list;
    }
    case TreeNode::Kind::kMap:
      break;
  }
  nlohmann::json map = nlohmann::json::object();
  for (const auto& [key, value] : node.entries)
    map[key->text] = JsonOfTree(*value);
  return map;
}

}  // namespace netpol
