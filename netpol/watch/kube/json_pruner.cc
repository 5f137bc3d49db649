#include "netpol/watch/kube/json_pruner.h"

#include "absl/strings/str_cat.h"
#include "netpol/watch/kube/json_cursor.h"

namespace netpol {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

const FieldDescriptor* FindField(const Descriptor& type,
                                 absl::string_view key) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (absl::string_view(type.field(i)->json_name()) == key) {
      return type.field(i);
    }
  }
  return nullptr;
}

// Copies values from text to text. The recursion is as deep as the types are
// nested in each other, which they are without cycles.
class JsonPruner {
 public:
  JsonPruner(absl::string_view text, UnknownMembers unknown)
      : cursor_(text), unknown_(unknown) {
    out_.reserve(1024);
  }

  // Each is false where the text is no JSON; the output is of no use then.
  bool PruneObject(const Descriptor& type);
  bool AtEnd() { return cursor_.AtEnd(); }

  std::string&& TakeOutput() { return std::move(out_); }

 private:
  bool PruneMember(const Descriptor& type);
  bool PruneList(const Descriptor& type);
  bool PruneValue(const Descriptor& type);
  bool CopyValue();
  bool TakeUnknown(absl::string_view key);

  void Put(char c) { out_.push_back(c); }

  JsonCursor cursor_;
  const UnknownMembers unknown_;
  std::string out_;
};

bool JsonPruner::PruneObject(const Descriptor& type) {
  if (!cursor_.Take('{')) return false;
  Put('{');
  if (!cursor_.Take('}')) {
    do {
      if (!PruneMember(type)) return false;
    } while (cursor_.Take(','));
    if (!cursor_.Take('}')) return false;
    if (out_.back() == ',') out_.pop_back();
  }
  Put('}');
  return true;
}

// With a comma behind it, if it stays.
bool JsonPruner::PruneMember(const Descriptor& type) {
  absl::string_view key;
  if (!cursor_.TakeKey(&key)) return false;
  const FieldDescriptor* field = FindField(type, key);
  if (field == nullptr) return TakeUnknown(key);
  absl::StrAppend(&out_, "\"", key, "\":");
  const bool is_message =
      field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map();
  if (!(is_message ? PruneValue(*field->message_type()) : CopyValue())) {
    return false;
  }
  Put(',');
  return true;
}

bool JsonPruner::TakeUnknown(absl::string_view key) {
  absl::string_view value;
  if (!cursor_.TakeValue(&value)) return false;
  if (unknown_ == UnknownMembers::kMark) {
    absl::StrAppend(&out_, "\"", key, "\":", value == "null" ? "null" : "true",
                    ",");
  }
  return true;
}

bool JsonPruner::PruneValue(const Descriptor& type) {
  if (cursor_.IsNext('{')) return PruneObject(type);
  return cursor_.IsNext('[') ? PruneList(type) : CopyValue();
}

bool JsonPruner::PruneList(const Descriptor& type) {
  if (!cursor_.Take('[')) return false;
  Put('[');
  if (!cursor_.Take(']')) {
    do {
      // A list in a list is no field's value, and would be a way to any depth.
      if (!(cursor_.IsNext('{') ? PruneObject(type) : CopyValue())) {
        return false;
      }
      Put(',');
    } while (cursor_.Take(','));
    if (!cursor_.Take(']')) return false;
    out_.pop_back();
  }
  Put(']');
  return true;
}

bool JsonPruner::CopyValue() {
  absl::string_view value;
  if (!cursor_.TakeValue(&value)) return false;
  out_.append(value.data(), value.size());
  return true;
}

}  // namespace

std::string PruneJson(absl::string_view object, const Descriptor& type,
                      UnknownMembers unknown) {
  JsonPruner pruner(object, unknown);
  if (pruner.PruneObject(type) && pruner.AtEnd()) return pruner.TakeOutput();
  return std::string(object);
}

}  // namespace netpol
