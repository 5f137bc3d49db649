#include "netpol/watch/manifests/document_tree.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace netpol {

absl::string_view TreeNode::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInt:
    case Kind::kFloat:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "a value";
}

const TreeNode* TreeNode::Find(absl::string_view key) const {
  for (auto it = entries.rbegin(); it != entries.rend(); ++it) {
    if (it->first->kind == Kind::kString && it->first->text == key) {
      return it->second;
    }
  }
  return nullptr;
}

TreeBuilder::TreeBuilder() : tree_(std::make_unique<DocumentTree>()) {}

void TreeBuilder::AddScalar(TreeNode scalar, int anchor) {
  if (failed()) return;
  scalar.size = 1;
  scalar.depth = 1;
  if (TreeNode* node = NewNode(std::move(scalar), anchor)) Attach(node);
}

void TreeBuilder::Open(TreeNode::Kind kind, Position position, int anchor) {
  if (failed()) return;
  if (open_.size() >= kMaxDocumentDepth) {
    Fail(position,
         absl::StrCat("nested more than ", kMaxDocumentDepth, " levels deep"));
    return;
  }
  TreeNode node;
  node.kind = kind;
  node.position = position;
  if (TreeNode* opened = NewNode(std::move(node), anchor)) {
    open_.push_back({opened, nullptr});
  }
}

void TreeBuilder::Close() {
  if (failed()) return;
  TreeNode* node = open_.back().node;
  open_.pop_back();
  if (node->kind == TreeNode::Kind::kMap) Merge(node);
  if (failed()) return;
  node->size = 1;
  for (const TreeNode* item : node->items) {
    node->size += item->size;
    node->depth = std::max(node->depth, item->depth);
  }
  for (const auto& [key, value] : node->entries) {
    node->size += key->size + value->size;
    node->depth = std::max({node->depth, key->depth, value->depth});
  }
  ++node->depth;
  Attach(node);
}

void TreeBuilder::AddAlias(Position position, int anchor) {
  if (failed()) return;
  auto it = anchors_.find(anchor);
  if (it == anchors_.end() || it->second->size == 0) {
    Fail(position, "an alias stands inside of the value that it names");
    return;
  }
  const TreeNode* target = it->second;
  if (static_cast<int>(open_.size()) + target->depth > kMaxDocumentDepth) {
    Fail(position, absl::StrCat("aliases nest more than ", kMaxDocumentDepth,
                                " levels deep"));
    return;
  }
  if (Count(target->size, position)) Attach(target);
}

void TreeBuilder::Fail(Position position, std::string message) {
  if (!failed()) fault_ = DocumentFault{position, std::move(message)};
}

const TreeNode* TreeBuilder::pending_key() const {
  return open_.empty() ? nullptr : open_.back().key;
}

absl::optional<DocumentFault> TreeBuilder::Finish(
    std::unique_ptr<DocumentTree>* tree) {
  if (!failed() && tree_->root_ != nullptr) *tree = std::move(tree_);
  return fault_;
}

TreeNode* TreeBuilder::NewNode(TreeNode node, int anchor) {
  if (!Count(1, node.position)) return nullptr;
  tree_->nodes_.push_back(std::move(node));
  TreeNode* added = &tree_->nodes_.back();
  if (anchor != 0) anchors_[anchor] = added;
  return added;
}

void TreeBuilder::Attach(const TreeNode* node) {
  if (open_.empty()) {
    if (tree_->root_ != nullptr) {
      Fail(node->position, "there is text after the end of the document");
    }
    tree_->root_ = node;
    return;
  }
  Frame& frame = open_.back();
  if (frame.node->kind == TreeNode::Kind::kList) {
    frame.node->items.push_back(node);
  } else if (frame.key == nullptr) {
    frame.key = node;
  } else {
    frame.node->entries.emplace_back(frame.key, node);
    frame.key = nullptr;
  }
}

// https://yaml.org/type/merge.html: keys that are written out win, then the
// earlier of several merged maps.
void TreeBuilder::Merge(TreeNode* map) {
  std::vector<const TreeNode*> sources;
  std::vector<TreeNode::Entry> kept;
  absl::flat_hash_set<absl::string_view> names;
  for (const auto& [key, value] : map->entries) {
    if (!key->is_merge_key) {
      kept.emplace_back(key, value);
      if (key->kind == TreeNode::Kind::kString) names.insert(key->text);
    } else if (value->kind == TreeNode::Kind::kList) {
      sources.insert(sources.end(), value->items.begin(), value->items.end());
    } else {
      sources.push_back(value);
    }
  }
  if (kept.size() == map->entries.size()) return;
  for (const TreeNode* source : sources) {
    if (source->kind != TreeNode::Kind::kMap) {
      Fail(source->position, "\"<<\" merges maps only");
      return;
    }
    if (!Count(source->size, map->position)) return;
    for (const auto& [key, value] : source->entries) {
      if (names.insert(key->text).second) kept.emplace_back(key, value);
    }
  }
  map->entries = std::move(kept);
}

bool TreeBuilder::Count(int nodes, Position position) {
  // No overflow: what was counted before is within the bound.
  count_ += nodes;
  if (count_ <= kMaxDocumentNodes) return true;
  Fail(position, absl::StrCat("more than ", kMaxDocumentNodes,
                              " values, those behind aliases included"));
  return false;
}

}  // namespace netpol
