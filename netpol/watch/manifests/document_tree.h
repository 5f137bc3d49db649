// One YAML or JSON document as a tree of values that know where they stand.
#ifndef NETPOL_WATCH_MANIFESTS_DOCUMENT_TREE_H_
#define NETPOL_WATCH_MANIFESTS_DOCUMENT_TREE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace netpol {

// Bounds of one document. The reason is hostile input: a few lines of aliases
// can stand for billions of values.
inline constexpr size_t kMaxDocumentBytes = 1 << 20;
inline constexpr int kMaxDocumentDepth = 100;
inline constexpr int kMaxDocumentNodes = 200000;

// Line and column in the file, both from 1.
struct Position {
  int line = 0;
  int column = 0;

  friend bool operator==(Position a, Position b) {
    return a.line == b.line && a.column == b.column;
  }
};

// What makes a whole document unreadable.
struct DocumentFault {
  Position position;
  std::string message;
};

struct TreeNode {
  enum class Kind { kNull, kBool, kInt, kFloat, kString, kList, kMap };
  using Entry = std::pair<const TreeNode*, const TreeNode*>;

  Kind kind = Kind::kNull;
  Position position;
  std::string text;  // A scalar: a string's value, else as it is written.
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;                   // kFloat
  std::vector<const TreeNode*> items;  // kList
  // kMap, in the order of the file and with repeated keys; keys that were
  // merged in with "<<" follow.
  std::vector<Entry> entries;

  // Of this node with everything below it, aliases counted each time.
  int size = 0;
  int depth = 0;
  // The plain key "<<" of YAML 1.1.
  bool is_merge_key = false;

  // "a string", "a list", for messages.
  absl::string_view KindName() const;
  // The value of the last entry whose key is the string `key`; null if none.
  const TreeNode* Find(absl::string_view key) const;
};

// Owns the nodes of one document. Immutable once built.
class DocumentTree {
 public:
  const TreeNode& root() const { return *root_; }

 private:
  friend class TreeBuilder;
  std::deque<TreeNode> nodes_;
  const TreeNode* root_ = nullptr;
};

// Builds a tree from a parser's events, resolves aliases and merge keys, and
// keeps the bounds. After the first fault, events are ignored.
// Thread-compatible.
class TreeBuilder {
 public:
  TreeBuilder();

  // A scalar (also null). `anchor` is the parser's number for the anchor on
  // the value, 0 for none; here and below.
  void AddScalar(TreeNode scalar, int anchor = 0);
  // A list or map; its contents follow, then Close().
  void Open(TreeNode::Kind kind, Position position, int anchor = 0);
  void Close();
  // The value that `anchor` names, once more.
  void AddAlias(Position position, int anchor);
  // The first fault counts.
  void Fail(Position position, std::string message);

  bool failed() const { return fault_.has_value(); }
  // The key whose value comes next; null elsewhere.
  const TreeNode* pending_key() const;

  // The fault, or nothing and the finished tree in `*tree` (null when there
  // was no value at all). Ends the builder.
  absl::optional<DocumentFault> Finish(std::unique_ptr<DocumentTree>* tree);

 private:
  struct Frame {
    TreeNode* node = nullptr;
    const TreeNode* key = nullptr;
  };

  TreeNode* NewNode(TreeNode node, int anchor);
  void Attach(const TreeNode* node);
  void Merge(TreeNode* map);
  bool Count(int nodes, Position position);

  std::unique_ptr<DocumentTree> tree_;
  std::vector<Frame> open_;
  absl::flat_hash_map<int, const TreeNode*> anchors_;
  absl::optional<DocumentFault> fault_;
  int count_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_DOCUMENT_TREE_H_
