#include "netpol/watch/manifests/proto_reader.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proto/k8s/meta.pb.h"

namespace netpol {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Messages here have a dozen fields at most, so looking through them is fine.
const FieldDescriptor* FindByJsonName(const Descriptor& type,
                                      absl::string_view name) {
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& json_name = type.field(i)->json_name();
    if (absl::string_view(json_name.data(), json_name.size()) == name) {
      return type.field(i);
    }
  }
  return nullptr;
}

SourceProblem ProblemAt(SourceProblem::Severity severity, const TreeNode& node,
                        const FieldPath& path, std::string message) {
  SourceProblem problem;
  problem.severity = severity;
  problem.line = node.position.line;
  problem.column = node.position.column;
  problem.field = path.ToString();
  problem.message = std::move(message);
  return problem;
}

}  // namespace

bool ProtoReader::Read(const TreeNode& node, const FieldPath& path,
                       Message* message) {
  const Descriptor* type = message->GetDescriptor();
  if (type == k8s::IntOrString::descriptor()) {
    return ReadIntOrString(node, path, message);
  }
  if (type == k8s::Time::descriptor()) return ReadTime(node, path, message);
  if (node.kind != TreeNode::Kind::kMap) return Expected(node, path, "a map");

  bool clean = true;
  absl::flat_hash_set<absl::string_view> seen;
  for (const auto& [key, value] : node.entries) {
    const FieldPath field_path = path.Field(key->text);
    const FieldDescriptor* field = key->kind == TreeNode::Kind::kString
                                       ? FindByJsonName(*type, key->text)
                                       : nullptr;
    const bool repeated = !seen.insert(key->text).second;
    if (unmodelled_ == Unmodelled::kReport && field == nullptr) {
      clean = Warn(*key, field_path, "unknown field");
    } else if (unmodelled_ == Unmodelled::kReport && repeated) {
      clean = Warn(*key, field_path, "the field is given twice");
    }
    if (field == nullptr) continue;
    message->GetReflection()->ClearField(message, field);
    clean = ReadField(*value, field_path, field, message) && clean;
  }
  return clean;
}

bool ProtoReader::ReadField(const TreeNode& node, const FieldPath& path,
                            const FieldDescriptor* field, Message* message) {
  if (node.kind == TreeNode::Kind::kNull) return true;
  if (field->is_map()) return ReadStringMap(node, path, field, message);
  if (field->is_repeated()) return ReadList(node, path, field, message);
  return ReadSingular(node, path, field, message);
}

bool ProtoReader::ReadSingular(const TreeNode& node, const FieldPath& path,
                               const FieldDescriptor* field, Message* message) {
  const Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Read(node, path, reflection->MutableMessage(message, field));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value;
      if (!ReadString(node, path, &value)) return false;
      reflection->SetString(message, field, std::move(value));
      return true;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (node.kind != TreeNode::Kind::kBool) {
        return Expected(node, path, "true or false");
      }
      reflection->SetBool(message, field, node.boolean);
      return true;
    case FieldDescriptor::CPPTYPE_INT32: {
      int64_t value = 0;
      if (!ReadInteger(node, path, std::numeric_limits<int32_t>::min(),
                       std::numeric_limits<int32_t>::max(), &value)) {
        return false;
      }
      reflection->SetInt32(message, field, static_cast<int32_t>(value));
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      if (!ReadInteger(node, path, std::numeric_limits<int64_t>::min(),
                       std::numeric_limits<int64_t>::max(), &value)) {
        return false;
      }
      reflection->SetInt64(message, field, value);
      return true;
    }
    default:
      return Error(node, path, "fields of this type cannot be read here");
  }
}

bool ProtoReader::ReadList(const TreeNode& node, const FieldPath& path,
                           const FieldDescriptor* field, Message* message) {
  if (node.kind != TreeNode::Kind::kList) return Expected(node, path, "a list");
  const Reflection* reflection = message->GetReflection();
  bool clean = true;
  for (size_t i = 0; i < node.items.size(); ++i) {
    const TreeNode& item = *node.items[i];
    const FieldPath item_path = path.Element(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* element = reflection->AddMessage(message, field);
      clean = Read(item, item_path, element) && clean;
      continue;
    }
    // The API's other lists are all of strings.
    std::string value;
    if (ReadString(item, item_path, &value)) {
      reflection->AddString(message, field, std::move(value));
    } else {
      clean = false;
    }
  }
  return clean;
}

bool ProtoReader::ReadStringMap(const TreeNode& node, const FieldPath& path,
                                const FieldDescriptor* field,
                                Message* message) {
  // Most annotations are nobody's business here: what is none is left out and
  // costs its object nothing.
  const bool lenient = field->name() == "annotations";
  if (node.kind != TreeNode::Kind::kMap)
    return lenient || Expected(node, path, "a map");
  bool clean = true;
  absl::btree_map<std::string, std::string> entries;
  for (const auto& [key, value] : node.entries) {
    const FieldPath key_path = path.Key(key->text);
    if (lenient && (key->kind != TreeNode::Kind::kString ||
                    (value->kind != TreeNode::Kind::kString &&
                     value->kind != TreeNode::Kind::kNull))) {
      continue;
    }
    if (key->kind != TreeNode::Kind::kString) {
      clean = Expected(*key, key_path, "a string as key");
      continue;
    }
    std::string text;
    if (value->kind != TreeNode::Kind::kNull &&
        !ReadString(*value, key_path, &text)) {
      clean = false;
      continue;
    }
    const bool added = entries.insert_or_assign(key->text, text).second;
    if (!added && unmodelled_ == Unmodelled::kReport) {
      clean = Warn(*key, key_path, "the key is given twice");
    }
  }
  const Descriptor* type = field->message_type();
  for (const auto& [key, value] : entries) {
    Message* entry = message->GetReflection()->AddMessage(message, field);
    entry->GetReflection()->SetString(entry, type->map_key(), key);
    entry->GetReflection()->SetString(entry, type->map_value(), value);
  }
  return clean;
}

bool ProtoReader::ReadIntOrString(const TreeNode& node, const FieldPath& path,
                                  Message* message) {
  auto* out = static_cast<k8s::IntOrString*>(message);
  if (node.kind == TreeNode::Kind::kString) {
    out->set_type(1);
    out->set_str_val(node.text);
    return true;
  }
  if (node.kind != TreeNode::Kind::kInt &&
      node.kind != TreeNode::Kind::kFloat) {
    return Expected(node, path, "a number or a string");
  }
  int64_t value = 0;
  if (!ReadInteger(node, path, std::numeric_limits<int32_t>::min(),
                   std::numeric_limits<int32_t>::max(), &value)) {
    return false;
  }
  out->set_type(0);
  out->set_int_val(static_cast<int32_t>(value));
  return true;
}

bool ProtoReader::ReadTime(const TreeNode& node, const FieldPath& path,
                           Message* message) {
  absl::Time time;
  std::string error;
  // The parser would also take "infinite-future".
  if (node.kind != TreeNode::Kind::kString || node.text.empty() ||
      !absl::ascii_isdigit(node.text[0]) ||
      !absl::ParseTime(absl::RFC3339_full, node.text, &time, &error)) {
    return Expected(node, path, "a time such as 2006-01-02T15:04:05Z");
  }
  auto* out = static_cast<k8s::Time*>(message);
  const int64_t seconds = absl::ToUnixSeconds(time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return true;
}

bool ProtoReader::ReadString(const TreeNode& node, const FieldPath& path,
                             std::string* value) {
  if (node.kind != TreeNode::Kind::kString) {
    return Expected(node, path, "a string");
  }
  *value = node.text;
  return true;
}

bool ProtoReader::ReadInteger(const TreeNode& node, const FieldPath& path,
                              int64_t lowest, int64_t highest, int64_t* value) {
  // Doubles are exact up to 2^53.
  constexpr double kExact = 9007199254740992.0;
  if (node.kind == TreeNode::Kind::kInt) {
    *value = node.integer;
  } else if (node.kind == TreeNode::Kind::kFloat &&
             std::abs(node.number) <= kExact &&
             std::trunc(node.number) == node.number) {
    *value = static_cast<int64_t>(node.number);
  } else {
    return Expected(node, path, "an integer");
  }
  if (*value >= lowest && *value <= highest) return true;
  return Error(node, path,
               absl::StrCat("the number ", node.text, " is out of range"));
}

bool ProtoReader::Expected(const TreeNode& node, const FieldPath& path,
                           absl::string_view what) {
  const bool quotes_help =
      what == "a string" && node.kind != TreeNode::Kind::kList &&
      node.kind != TreeNode::Kind::kMap && node.kind != TreeNode::Kind::kNull;
  return Error(node, path,
               absl::StrCat("must be ", what, ", is ", node.KindName(),
                            node.text.empty() ? "" : " ", node.text,
                            quotes_help ? "; put it in quotes" : ""));
}

bool ProtoReader::Error(const TreeNode& node, const FieldPath& path,
                        std::string message) {
  problems_.push_back(ProblemAt(SourceProblem::Severity::kError, node, path,
                                std::move(message)));
  return false;
}

bool ProtoReader::Warn(const TreeNode& node, const FieldPath& path,
                       std::string message) {
  problems_.push_back(ProblemAt(SourceProblem::Severity::kWarning, node, path,
                                std::move(message)));
  return false;
}

}  // namespace netpol
