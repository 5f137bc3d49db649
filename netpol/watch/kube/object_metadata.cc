#include "netpol/watch/kube/object_metadata.h"

#include "netpol/watch/kube/wire_reader.h"

namespace netpol {
namespace {

constexpr absl::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

// Numbers of ObjectMeta.
constexpr uint32_t kName = 1;
constexpr uint32_t kNamespace = 3;
constexpr uint32_t kResourceVersion = 6;
constexpr uint32_t kAnnotations = 12;

void ReadMeta(absl::string_view meta, ObjectMetadata* out) {
  WireReader reader(meta);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == kName) out->name = field.bytes;
    if (field.number == kNamespace) out->space = field.bytes;
    if (field.number == kResourceVersion) out->resource_version = field.bytes;
    if (field.number == kAnnotations &&
        FindBytes(field.bytes, 1) == kInitialEventsEnd) {
      out->initial_events_end = FindBytes(field.bytes, 2) == "true";
    }
  }
}

}  // namespace

ObjectMetadata ReadObjectMetadata(absl::string_view object) {
  ObjectMetadata out;
  WireReader reader(object);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == 1 && field.type == WireType::kBytes) {
      ReadMeta(field.bytes, &out);
    }
  }
  return out;
}

}  // namespace netpol
