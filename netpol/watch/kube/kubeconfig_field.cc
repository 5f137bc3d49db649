#include "netpol/watch/kube/kubeconfig_field.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/manifests/tree_json.h"
#include "nlohmann/json.hpp"

namespace netpol {
absl::Status KubeconfigField::Refuse(absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(file_, ": ", path_, path_.empty() ? "" : ": ", why));
}

absl::StatusOr<KubeconfigField> KubeconfigField::Field(
    absl::string_view key) const {
  KubeconfigField field(
      file_, absl::StrCat(path_, path_.empty() ? "" : ".", key), nullptr);
  if (!present()) return field;
  if (node_->kind != TreeNode::Kind::kMap) {
    return Refuse(absl::StrCat("must be a map, not ", node_->KindName()));
  }
  for (const auto& [name, value] : node_->entries) {
    if (name->kind != TreeNode::Kind::kString || name->text != key) continue;
    if (field.node_ != nullptr) {
      return field.Refuse("stands there twice; take one out");
    }
    field.node_ = value;
  }
  return field;
}

absl::StatusOr<std::vector<KubeconfigField>> KubeconfigField::Elements() const {
  std::vector<KubeconfigField> elements;
  if (!present()) return elements;
  if (node_->kind != TreeNode::Kind::kList) {
    return Refuse(absl::StrCat("must be a list, not ", node_->KindName()));
  }
  for (size_t i = 0; i < node_->items.size(); ++i) {
    elements.emplace_back(file_, absl::StrCat(path_, "[", i, "]"),
                          node_->items[i]);
  }
  return elements;
}

absl::StatusOr<std::vector<std::string>> KubeconfigField::Texts() const {
  ASSIGN_OR_RETURN(const std::vector<KubeconfigField> elements, Elements());
  std::vector<std::string> texts;
  for (const KubeconfigField& element : elements) {
    ASSIGN_OR_RETURN(std::string text, element.Text());
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<std::string> KubeconfigField::Text() const {
  if (!present()) return std::string();
  if (node_->kind != TreeNode::Kind::kString) {
    return Refuse(absl::StrCat("must be a string, not ", node_->KindName(),
                               "; put it in quotes"));
  }
  return node_->text;
}

absl::StatusOr<std::string> KubeconfigField::Text(absl::string_view key) const {
  ASSIGN_OR_RETURN(const KubeconfigField field, Field(key));
  return field.Text();
}

absl::StatusOr<bool> KubeconfigField::Flag(absl::string_view key) const {
  ASSIGN_OR_RETURN(const KubeconfigField field, Field(key));
  if (!field.present()) return false;
  if (field.node_->kind != TreeNode::Kind::kBool) {
    return field.Refuse(
        absl::StrCat("must be true or false, not ", field.node_->KindName()));
  }
  return field.node_->boolean;
}

absl::StatusOr<std::string> KubeconfigField::FileName(
    absl::string_view key) const {
  ASSIGN_OR_RETURN(const std::string name, Text(key));
  return BesideFile(file_, name);
}

absl::StatusOr<std::string> KubeconfigField::Decoded(
    absl::string_view key) const {
  ASSIGN_OR_RETURN(const std::string text, Text(key));
  std::string decoded;
  if (!absl::Base64Unescape(text, &decoded)) {
    ASSIGN_OR_RETURN(const KubeconfigField field, Field(key));
    return field.Refuse("is not valid base64");
  }
  return decoded;
}

std::string KubeconfigField::ToJson() const {
  return (present() ? JsonOfTree(*node_) : nlohmann::json())
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string BesideFile(const std::string& file, const std::string& name) {
  if (name.empty()) return name;
  return (std::filesystem::path(file).parent_path() / name)
      .lexically_normal()
      .string();
}

}  // namespace netpol
