#include "netpol/watch/kube/object_filter.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/wire_reader.h"

namespace netpol {
namespace {

struct KeptField;
using KeptFields = absl::Span<const KeptField>;

// A field that is kept: of a message only `parts`, if there are any.
struct KeptField {
  enum class If : uint8_t {
    kAlways,
    kNotEmpty,      // Something is left of it.
    kPodCidrsEntry  // It is the map entry for kPodCidrs.
  };

  uint32_t number = 0;
  WireType type = WireType::kBytes;
  KeptFields parts = {};
  If kept_if = If::kAlways;
};

// The only annotation that counts, on nodes (policy/parse_node.cc).
constexpr absl::string_view kPodCidrs = "kube-router.io/pod-cidrs";

// Numbers of k8s.io/apimachinery and k8s.io/api, as in proto/k8s; the fields
// are those that policy/parse*.cc reads.
constexpr KeptField kNames[] = {{1}, {3}};           // name, namespace
constexpr KeptField kNamespaceMeta[] = {{1}, {11}};  // labels
constexpr KeptField kSeconds[] = {{1, WireType::kVarint}};
constexpr KeptField kPodMeta[] = {
    {1},
    {3},
    {8, WireType::kBytes, kSeconds,
     KeptField::If::kNotEmpty},  // creationTimestamp
    {11}};
constexpr KeptField kNodeMeta[] = {
    {1}, {12, WireType::kBytes, {}, KeptField::If::kPodCidrsEntry}};

constexpr KeptField kNamespace[] = {{1, WireType::kBytes, kNamespaceMeta}};
constexpr KeptField kPolicy[] = {{1, WireType::kBytes, kNames}, {2}};

constexpr KeptField kTaint[] = {{1}, {2}, {3}};  // key, value, effect
constexpr KeptField kNodeSpec[] = {
    {1}, {5, WireType::kBytes, kTaint}, {7}};  // podCIDR, taints, podCIDRs
constexpr KeptField kNodeAddress[] = {{1}, {2}};
constexpr KeptField kNodeStatus[] = {{5, WireType::kBytes, kNodeAddress}};
constexpr KeptField kNode[] = {
    {1, WireType::kBytes, kNodeMeta},
    {2, WireType::kBytes, kNodeSpec, KeptField::If::kNotEmpty},
    {3, WireType::kBytes, kNodeStatus, KeptField::If::kNotEmpty}};

constexpr KeptField kPort[] = {
    {1}, {3, WireType::kVarint}, {4}};  // name, containerPort, protocol
constexpr KeptField kContainer[] = {{6, WireType::kBytes, kPort}};
constexpr KeptField kInitContainer[] = {{6, WireType::kBytes, kPort},
                                        {24}};  // restartPolicy
constexpr KeptField kPodSpec[] = {
    {2, WireType::kBytes, kContainer, KeptField::If::kNotEmpty},
    {10},                     // nodeName
    {11, WireType::kVarint},  // hostNetwork
    {20, WireType::kBytes, kInitContainer, KeptField::If::kNotEmpty}};
constexpr KeptField kPodIp[] = {{1}};
constexpr KeptField kPodStatus[] = {
    {1}, {5}, {6}, {12, WireType::kBytes, kPodIp}};  // phase, hostIP, podIP(s)
constexpr KeptField kPod[] = {
    {1, WireType::kBytes, kPodMeta},
    {2, WireType::kBytes, kPodSpec, KeptField::If::kNotEmpty},
    {3, WireType::kBytes, kPodStatus, KeptField::If::kNotEmpty}};

KeptFields FieldsOf(v1::WatchEvent::Kind kind) {
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      return kNamespace;
    case v1::WatchEvent::POD:
      return kPod;
    case v1::WatchEvent::NODE:
      return kNode;
    case v1::WatchEvent::NETWORK_POLICY:
      return kPolicy;
    case v1::WatchEvent::KIND_UNSPECIFIED:
      break;
  }
  return {};
}

// The server also writes what is empty or zero; for the fields here that is as
// good as absent.
bool SaysNothing(const WireField& field) {
  return field.type == WireType::kVarint ? field.varint == 0
                                         : field.bytes.empty();
}

const KeptField* Find(KeptFields kept, const WireField& field) {
  for (const KeptField& candidate : kept) {
    if (candidate.number == field.number) {
      return candidate.type == field.type ? &candidate : nullptr;
    }
  }
  return nullptr;
}

// Lengths are not known before their messages are written, so each takes the
// room of the longest: a varint may be written with leading zeros.
constexpr size_t kLengthBytes = 5;

// Of a pod, filtered.
constexpr size_t kUsualSize = 512;

void PutLength(size_t length, char* at) {
  for (size_t i = 0; i < kLengthBytes; ++i, length >>= 7) {
    const bool last = i + 1 == kLengthBytes;
    at[i] = static_cast<char>((length & 0x7f) | (last ? 0 : 0x80));
  }
}

bool Filter(absl::string_view message, KeptFields kept, std::string* out);

// Appends `field`, a message, with what is kept of it.
bool FilterPart(const WireField& field, const KeptField& keep,
                std::string* out) {
  const size_t start = out->size();
  uint32_t tag = field.number << 3 | static_cast<uint32_t>(field.type);
  for (; tag >= 0x80; tag >>= 7) {
    out->push_back(static_cast<char>((tag & 0x7f) | 0x80));
  }
  out->push_back(static_cast<char>(tag));
  const size_t length_at = out->size();
  out->append(kLengthBytes, '\0');
  if (!Filter(field.bytes, keep.parts, out)) return false;
  const size_t length = out->size() - length_at - kLengthBytes;
  if (length == 0 && keep.kept_if == KeptField::If::kNotEmpty) {
    out->resize(start);
  } else {
    PutLength(length, &(*out)[length_at]);
  }
  return true;
}

// Appends what is kept of `message`. False if it is broken.
bool Filter(absl::string_view message, KeptFields kept, std::string* out) {
  WireReader reader(message);
  WireField field;
  while (reader.Next(&field)) {
    const KeptField* keep = Find(kept, field);
    if (keep == nullptr) continue;
    if (keep->kept_if == KeptField::If::kPodCidrsEntry &&
        FindBytes(field.bytes, 1) != kPodCidrs) {
      continue;
    }
    if (keep->parts.empty()) {
      if (SaysNothing(field)) continue;
      out->append(field.whole.data(), field.whole.size());
    } else if (!FilterPart(field, *keep, out)) {
      return false;
    }
  }
  return !reader.broken();
}

}  // namespace

absl::StatusOr<std::string> FilterObject(v1::WatchEvent::Kind kind,
                                         absl::string_view bytes) {
  std::string kept;
  kept.reserve(kUsualSize);
  if (!Filter(bytes, FieldsOf(kind), &kept)) {
    return absl::InvalidArgumentError(
        absl::StrCat(ApiKindOf(kind).name, ": the ", bytes.size(),
                     " bytes of the object are no protobuf message"));
  }
  return kept;
}

}  // namespace netpol
