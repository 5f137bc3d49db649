#include "netpol/watch/kube/json_list_cutter.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/body_format.h"
#include "netpol/watch/kube/json_object.h"
#include "netpol/watch/manifests/document_tree.h"

namespace netpol {
namespace {

// Inside of the list, and inside of its array of items.
constexpr int kListDepth = 1;
constexpr int kItemsDepth = 2;

}  // namespace

absl::Status JsonListCutter::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    switch (place_) {
      case Place::kShell:
        RETURN_IF_ERROR(TakeShell(&bytes));
        break;
      case Place::kItems:
        RETURN_IF_ERROR(TakeBetweenItems(&bytes));
        break;
      case Place::kObject:
        RETURN_IF_ERROR(TakeObject(&bytes));
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status JsonListCutter::Finish() {
  if (!shell_done_) return Broken("the body ended in the middle");
  return ReadShell(shell_, /*complete=*/true);
}

absl::Status JsonListCutter::TakeShell(absl::string_view* bytes) {
  const char c = bytes->front();
  bytes->remove_prefix(1);
  if (scanner_.depth() == 0) {
    if (absl::ascii_isspace(c)) return absl::OkStatus();
    if (shell_done_ || c != '{') return Broken("it is not one JSON object");
  }
  const bool was_in_string = scanner_.in_string();
  scanner_.Add(c);
  shell_done_ = scanner_.depth() == 0;
  shell_.push_back(c);
  if (shell_.size() > kMaxObjectBytes) {
    return Broken(
        absl::StrCat("more than ", kMaxObjectBytes, " bytes around its items"));
  }
  if (scanner_.depth() == kListDepth) {
    if (!was_in_string && scanner_.in_string()) string_begin_ = shell_.size();
    if (was_in_string && !scanner_.in_string()) string_end_ = shell_.size() - 1;
  }
  const bool opens =
      c == '[' && !was_in_string && scanner_.depth() == kItemsDepth;
  return opens && AtItems() ? EnterItems() : absl::OkStatus();
}

bool JsonListCutter::AtItems() const {
  absl::string_view before(shell_);
  absl::ConsumeSuffix(&before, "[");
  before = absl::StripTrailingAsciiWhitespace(before);
  if (!absl::ConsumeSuffix(&before, ":")) return false;
  before = absl::StripTrailingAsciiWhitespace(before);
  return before.size() == string_end_ + 1 &&
         before.substr(string_begin_, string_end_ - string_begin_) == "items";
}

absl::Status JsonListCutter::EnterItems() {
  if (seen_items_) return Broken("\"items\" is given twice");
  seen_items_ = true;
  place_ = Place::kItems;
  return ReadShell(absl::StrCat(shell_, "]}"), /*complete=*/false);
}

absl::Status JsonListCutter::TakeBetweenItems(absl::string_view* bytes) {
  const char c = bytes->front();
  // The first byte of an object stays for TakeObject.
  if (c == '{' && !after_item_) {
    place_ = Place::kObject;
    return absl::OkStatus();
  }
  bytes->remove_prefix(1);
  if (absl::ascii_isspace(c)) return absl::OkStatus();
  if (c == ',' && after_item_) {
    after_item_ = false;
    return absl::OkStatus();
  }
  if (c != ']') return Broken("its items are not objects with commas between");
  scanner_.Add(c);
  shell_.push_back(c);
  place_ = Place::kShell;
  return absl::OkStatus();
}

absl::Status JsonListCutter::TakeObject(absl::string_view* bytes) {
  size_t length = 0;
  bool ended = false;
  while (length < bytes->size() && !ended) {
    scanner_.Add((*bytes)[length++]);
    ended = scanner_.depth() == kItemsDepth;
  }
  const absl::string_view part = bytes->substr(0, length);
  bytes->remove_prefix(length);
  if (object_.size() + length > kMaxObjectBytes) {
    return Broken(
        absl::StrCat("an object of more than ", kMaxObjectBytes, " bytes"));
  }
  if (!ended || !object_.empty()) object_.append(part.data(), part.size());
  if (!ended) return absl::OkStatus();
  objects_(object_.empty() ? part : absl::string_view(object_));
  object_.clear();
  after_item_ = true;
  place_ = Place::kItems;
  return absl::OkStatus();
}

absl::Status JsonListCutter::ReadShell(const std::string& text, bool complete) {
  absl::StatusOr<std::unique_ptr<DocumentTree>> tree = ParseJsonText(text);
  if (!tree.ok()) return Broken(tree.status().message());
  const TreeNode& root = (*tree)->root();
  const absl::string_view kind = TextAt(root, "kind");
  const absl::string_view api_version = TextAt(root, "apiVersion");
  if (kind == "Status") {
    return Broken(absl::StrCat(
        "the server answered with a Status instead: ", TextAt(root, "reason"),
        ": ", TextAt(root, "message")));
  }
  const bool known = complete || (!kind.empty() && !api_version.empty());
  if (known && (kind != absl::StrCat(kind_.name, "List") ||
                api_version != kind_.api_version)) {
    return Broken(absl::StrCat("it is a \"", api_version, " ", kind, "\""));
  }
  if (!complete) return absl::OkStatus();
  const TreeNode* items = root.Find("items");
  if (items != nullptr && items->kind != TreeNode::Kind::kNull &&
      items->kind != TreeNode::Kind::kList) {
    return Broken("\"items\" is no list");
  }
  const TreeNode* metadata = root.Find("metadata");
  if (metadata == nullptr || metadata->kind == TreeNode::Kind::kNull) {
    return absl::OkStatus();
  }
  const absl::Status read = ReadJsonMessage(*metadata, &metadata_);
  return read.ok() ? read : Broken(absl::StrCat("metadata.", read.message()));
}

absl::Status JsonListCutter::Broken(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(
      "not a ", kind_.name, "List of ", kind_.api_version, " in JSON: ", what));
}

}  // namespace netpol
