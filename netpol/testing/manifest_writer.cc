#include "netpol/testing/manifest_writer.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Whether YAML, of whatever version, reads `text` as a string of just that.
bool IsPlain(absl::string_view text) {
  static constexpr absl::string_view kWords[] = {
      "true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  if (text.empty() || !absl::ascii_isalpha(text[0])) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_' && c != '.' && c != '/')
      return false;
  }
  const std::string lower = absl::AsciiStrToLower(text);
  for (absl::string_view word : kWords) {
    if (lower == word) return false;
  }
  return true;
}

std::string Scalar(absl::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", absl::string_view(&c, 1));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(&quoted, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string TimeText(const k8s::Time& time) {
  return absl::FormatTime(
      absl::RFC3339_full,
      absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()),
      absl::UTCTimeZone());
}

// Appends YAML in block style. Every line but the first of an element of a list
// begins with `indent`.
class YamlWriter {
 public:
  explicit YamlWriter(std::string* out) : out_(*out) {}

  // The fields of a message as the lines of a map.
  void WriteFields(const Message& message, const std::string& indent);

 private:
  // What stands behind "key:" or "-"; ends the line.
  void WriteValue(const Message& message, const FieldDescriptor* field,
                  int index, const std::string& indent, bool in_list);
  void WriteMessage(const Message& message, const std::string& indent,
                    bool in_list);
  void WriteStringMap(const Message& message, const FieldDescriptor* field,
                      const std::string& indent);

  std::string& out_;
};

void YamlWriter::WriteFields(const Message& message,
                             const std::string& indent) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    absl::StrAppend(&out_, indent, field->json_name(), ":");
    if (field->is_map()) {
      WriteStringMap(message, field, indent + "  ");
    } else if (!field->is_repeated()) {
      WriteValue(message, field, -1, indent + "  ", false);
    } else {
      out_ += "\n";
      const int size = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < size; ++i) {
        absl::StrAppend(&out_, indent, "-");
        WriteValue(message, field, i, indent + "  ", true);
      }
    }
  }
}

void YamlWriter::WriteValue(const Message& message,
                            const FieldDescriptor* field, int index,
                            const std::string& indent, bool in_list) {
  const Reflection& fields = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return WriteMessage(
          index < 0 ? fields.GetMessage(message, field)
                    : fields.GetRepeatedMessage(message, field, index),
          indent, in_list);
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          index < 0 ? fields.GetString(message, field)
                    : fields.GetRepeatedString(message, field, index);
      absl::StrAppend(&out_, " ", Scalar(text), "\n");
      return;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      absl::StrAppend(&out_, " ",
                      fields.GetBool(message, field) ? "true\n" : "false\n");
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(&out_, " ", fields.GetInt32(message, field), "\n");
      return;
    default:  // The API has no other type that is written here.
      absl::StrAppend(&out_, " ", fields.GetInt64(message, field), "\n");
  }
}

void YamlWriter::WriteMessage(const Message& message, const std::string& indent,
                              bool in_list) {
  const auto* type = message.GetDescriptor();
  if (type == k8s::Time::descriptor()) {
    absl::StrAppend(&out_, " \"",
                    TimeText(static_cast<const k8s::Time&>(message)), "\"\n");
    return;
  }
  if (type == k8s::IntOrString::descriptor()) {
    const auto& value = static_cast<const k8s::IntOrString&>(message);
    absl::StrAppend(&out_, " ",
                    value.type() == 0 ? absl::StrCat(value.int_val())
                                      : Scalar(value.str_val()),
                    "\n");
    return;
  }
  const size_t before = out_.size();
  if (!in_list) out_ += "\n";
  const size_t begin = out_.size();
  WriteFields(message, indent);
  if (type == k8s::Container::descriptor()) {
    absl::StrAppend(&out_, indent, "image: registry.k8s.io/pause:3.9\n");
  }
  if (out_.size() == begin) {
    out_.resize(before);
    out_ += " {}\n";
  } else if (in_list) {
    // The first line goes on behind the dash, one space away.
    out_.erase(begin, indent.size() - 1);
  }
}

void YamlWriter::WriteStringMap(const Message& message,
                                const FieldDescriptor* field,
                                const std::string& indent) {
  std::map<std::string, std::string> entries;
  const Reflection& fields = *message.GetReflection();
  for (int i = 0; i < fields.FieldSize(message, field); ++i) {
    const Message& entry = fields.GetRepeatedMessage(message, field, i);
    const auto* type = field->message_type();
    entries[entry.GetReflection()->GetString(entry, type->map_key())] =
        entry.GetReflection()->GetString(entry, type->map_value());
  }
  out_ += "\n";
  for (const auto& [key, value] : entries)
    absl::StrAppend(&out_, indent, Scalar(key), ": ", Scalar(value), "\n");
}

std::string Document(absl::string_view api_version, absl::string_view kind,
                     const Message& object) {
  std::string text =
      absl::StrCat("---\napiVersion: ", api_version, "\nkind: ", kind, "\n");
  YamlWriter(&text).WriteFields(object, "");
  return text;
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("writing ", path));
}

absl::Status PrepareFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const bool empty = !error && std::filesystem::is_empty(folder, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               absl::StrCat("making folder ", folder));
  }
  if (empty) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "folder ", folder, " is not empty; name one that is, or a new one"));
}

template <typename Object>
absl::Status WriteAll(const std::vector<Object>& objects,
                      const std::string& path) {
  std::string text;
  for (const Object& object : objects) text += ManifestOf(object);
  return text.empty() ? absl::OkStatus() : WriteFile(path, text);
}

// A file for each namespace: one for all could be more than a reader takes.
template <typename Object>
absl::Status WriteByNamespace(const std::vector<Object>& objects,
                              const std::string& prefix) {
  std::map<std::string, std::vector<const Object*>> parts;
  for (const Object& object : objects)
    parts[object.metadata().namespace_()].push_back(&object);
  for (const auto& [name, part] : parts) {
    std::string text;
    for (const Object* object : part) text += ManifestOf(*object);
    RETURN_IF_ERROR(WriteFile(absl::StrCat(prefix, name, ".yaml"), text));
  }
  return absl::OkStatus();
}

}  // namespace

std::string ManifestOf(const k8s::Namespace& ns) {
  return Document("v1", "Namespace", ns);
}

std::string ManifestOf(const k8s::Node& node) {
  return Document("v1", "Node", node);
}

std::string ManifestOf(const k8s::Pod& pod) {
  return Document("v1", "Pod", pod);
}

std::string ManifestOf(const k8s::NetworkPolicy& policy) {
  return Document("networking.k8s.io/v1", "NetworkPolicy", policy);
}

absl::Status WriteManifests(const Cluster& cluster, const std::string& folder) {
  RETURN_IF_ERROR(PrepareFolder(folder));
  RETURN_IF_ERROR(WriteAll(cluster.namespaces, folder + "/namespaces.yaml"));
  RETURN_IF_ERROR(WriteAll(cluster.nodes, folder + "/nodes.yaml"));
  RETURN_IF_ERROR(
      WriteByNamespace(cluster.policies, folder + "/networkpolicies-"));
  return WriteByNamespace(cluster.pods, folder + "/pods-");
}

}  // namespace netpol
