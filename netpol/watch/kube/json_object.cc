#include "netpol/watch/kube/json_object.h"

#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/unknown_field_set.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/json_cursor.h"
#include "netpol/watch/kube/json_pruner.h"
#include "netpol/watch/kube/object_metadata.h"
#include "netpol/watch/manifests/field_path.h"
#include "netpol/watch/manifests/json_parser.h"
#include "netpol/watch/manifests/proto_reader.h"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"
#include "proto/k8s/wire.pb.h"

namespace netpol {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// A number that the API will never give to a field.
constexpr int kUnknownField = 536870911;

absl::optional<DocumentFault> ParseWhole(absl::string_view text,
                                         std::unique_ptr<DocumentTree>* tree) {
  size_t length = 0;
  absl::optional<DocumentFault> fault =
      ParseJson(text, Position{1, 1}, tree, &length);
  if (fault.has_value()) return fault;
  const absl::string_view rest =
      absl::StripLeadingAsciiWhitespace(text.substr(length));
  if (*tree != nullptr && rest.empty()) return absl::nullopt;
  return DocumentFault{Position{1, 1}, "not one JSON value"};
}

// Only text that nobody reads here may be beyond ASCII.
std::string OnlyAscii(absl::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

const FieldDescriptor* FindField(const Message& message, const TreeNode& key) {
  if (key.kind != TreeNode::Kind::kString) return nullptr;
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->json_name() == key.text) return type->field(i);
  }
  return nullptr;
}

// Gives each message that was read from a map with an unknown field, at any
// depth, an unknown field. `message` was read from `node` without a mistake.
void MarkUnknown(const TreeNode& node, Message* message) {
  const Reflection* reflection = message->GetReflection();
  for (const auto& [key, value] : node.entries) {
    if (value->kind == TreeNode::Kind::kNull) continue;
    const FieldDescriptor* field = FindField(*message, *key);
    if (field == nullptr) {
      reflection->MutableUnknownFields(message)->AddVarint(kUnknownField, 1);
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
        field->is_map()) {
      continue;
    }
    if (!field->is_repeated()) {
      MarkUnknown(*value, reflection->MutableMessage(message, field));
      continue;
    }
    // Of a field that is given twice the last counts.
    const int size = reflection->FieldSize(*message, field);
    for (int i = 0; i < size && i < static_cast<int>(value->items.size());
         ++i) {
      MarkUnknown(*value->items[i],
                  reflection->MutableRepeatedMessage(message, field, i));
    }
  }
}

std::string Encode(const Message& message) {
  std::string bytes;
  message.SerializePartialToString(&bytes);
  return bytes;
}

template <typename Object>
absl::StatusOr<std::string> ReadAndEncode(absl::string_view text) {
  ASSIGN_OR_RETURN(const std::unique_ptr<DocumentTree> tree,
                   ParseJsonText(PruneJson(text, *Object::descriptor(),
                                           UnknownMembers::kDrop)));
  Object object;
  RETURN_IF_ERROR(ReadJsonMessage(tree->root(), &object));
  return Encode(object);
}

absl::StatusOr<std::string> EncodePolicy(absl::string_view text) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<DocumentTree> tree,
      ParseJsonText(PruneJson(text, *k8s::NetworkPolicy::descriptor(),
                              UnknownMembers::kMark)));
  k8s::NetworkPolicy policy;
  RETURN_IF_ERROR(ReadJsonMessage(tree->root(), &policy));
  const TreeNode* spec = tree->root().Find("spec");
  if (spec != nullptr && policy.has_spec()) {
    MarkUnknown(*spec, policy.mutable_spec());
  }
  return Encode(policy);
}

absl::StatusOr<std::string> EncodeKind(v1::WatchEvent::Kind kind,
                                       absl::string_view text) {
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      return ReadAndEncode<k8s::Namespace>(text);
    case v1::WatchEvent::POD:
      return ReadAndEncode<k8s::Pod>(text);
    case v1::WatchEvent::NODE:
      return ReadAndEncode<k8s::Node>(text);
    case v1::WatchEvent::NETWORK_POLICY:
      return EncodePolicy(text);
    case v1::WatchEvent::KIND_UNSPECIFIED:
      break;
  }
  return absl::InvalidArgumentError("objects of no kind cannot be read");
}

}  // namespace

absl::StatusOr<std::unique_ptr<DocumentTree>> ParseJsonText(
    absl::string_view text) {
  std::unique_ptr<DocumentTree> tree;
  absl::optional<DocumentFault> fault = ParseWhole(text, &tree);
  if (fault.has_value()) {
    tree.reset();
    fault = ParseWhole(OnlyAscii(text), &tree);
  }
  if (!fault.has_value()) return tree;
  return absl::InvalidArgumentError(
      absl::StrCat(fault->message, " (line ", fault->position.line, ", column ",
                   fault->position.column, " of ", text.size(), " bytes)"));
}

absl::string_view TextAt(const TreeNode& node, absl::string_view key) {
  const TreeNode* value =
      node.kind == TreeNode::Kind::kMap ? node.Find(key) : nullptr;
  return value != nullptr && value->kind == TreeNode::Kind::kString
             ? absl::string_view(value->text)
             : absl::string_view();
}

absl::Status ReadJsonMessage(const TreeNode& node, Message* message) {
  std::vector<SourceProblem> problems;
  ProtoReader reader(ProtoReader::Unmodelled::kSkip, &problems);
  if (reader.Read(node, FieldPath(), message) || problems.empty()) {
    return absl::OkStatus();
  }
  const SourceProblem& first = problems.front();
  return absl::InvalidArgumentError(absl::StrCat(
      first.field, first.field.empty() ? "" : ": ", first.message));
}

absl::StatusOr<std::string> EncodeJsonObject(v1::WatchEvent::Kind kind,
                                             absl::string_view text) {
  const ApiKind& expected = ApiKindOf(kind);
  const absl::string_view name = FindJsonString(text, "kind");
  const absl::string_view api_version = FindJsonString(text, "apiVersion");
  if ((!name.empty() && name != expected.name) ||
      (!api_version.empty() && api_version != expected.api_version)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an object of ", api_version, " ", name, " among those of ",
        expected.api_version, " ", expected.name));
  }
  absl::StatusOr<std::string> bytes = EncodeKind(kind, text);
  if (bytes.ok()) return bytes;
  const std::string encoded = EncodeJsonMetadata(text);
  const ObjectMetadata metadata = ReadObjectMetadata(encoded);
  if (metadata.name.empty()) return Annotate(bytes.status(), expected.name);
  return Annotate(
      bytes.status(),
      absl::StrCat(expected.name, " ", metadata.space,
                   metadata.space.empty() ? "" : "/", metadata.name));
}

std::string EncodeJsonMetadata(absl::string_view text) {
  k8s::AnyObject object;
  absl::StatusOr<std::unique_ptr<DocumentTree>> tree = ParseJsonText(
      PruneJson(text, *k8s::AnyObject::descriptor(), UnknownMembers::kDrop));
  // What it does not understand is not set, and that is all that is asked for.
  if (tree.ok()) ReadJsonMessage((*tree)->root(), &object).IgnoreError();
  return Encode(object);
}

}  // namespace netpol
