#include "tests/watch/kube/wire_bodies.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace netpol {
namespace {

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  }
  out.push_back(static_cast<char>(value));
  return out;
}

// Of `event`'s object: apiVersion and kind.
absl::string_view KindName(const v1::WatchEvent& event) {
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace:
      return "Namespace";
    case v1::WatchEvent::kPod:
      return "Pod";
    case v1::WatchEvent::kNode:
      return "Node";
    case v1::WatchEvent::kNetworkPolicy:
      return "NetworkPolicy";
    case v1::WatchEvent::OBJECT_NOT_SET:
      break;
  }
  return "";
}

}  // namespace

std::string VarintField(uint32_t number, uint64_t value) {
  return absl::StrCat(Varint(uint64_t{number} << 3), Varint(value));
}

std::string BytesField(uint32_t number, absl::string_view value) {
  return absl::StrCat(Varint(uint64_t{number} << 3 | 2), Varint(value.size()),
                      value);
}

std::string UnknownFields() {
  return absl::StrCat(VarintField(1000, 300), BytesField(1001, "\xff\x80?"),
                      Varint(1002 << 3 | 1), "8 bytes.", Varint(1003 << 3 | 5),
                      "four", BytesField(1004, ""));
}

std::string InEnvelope(absl::string_view api_version, absl::string_view kind,
                       absl::string_view raw, absl::string_view more) {
  const std::string type =
      absl::StrCat(BytesField(1, api_version), BytesField(2, kind));
  return absl::StrCat(absl::string_view("k8s\0", 4), BytesField(1, type),
                      BytesField(2, raw), more);
}

std::string ObjectBytes(const v1::WatchEvent& event) {
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace:
      return event.namespace_().SerializeAsString();
    case v1::WatchEvent::kPod:
      return event.pod().SerializeAsString();
    case v1::WatchEvent::kNode:
      return event.node().SerializeAsString();
    case v1::WatchEvent::kNetworkPolicy:
      return event.network_policy().SerializeAsString();
    case v1::WatchEvent::OBJECT_NOT_SET:
      break;
  }
  return "";
}

std::string ObjectInEnvelope(const v1::WatchEvent& event) {
  return InEnvelope(event.has_network_policy() ? "networking.k8s.io/v1" : "v1",
                    KindName(event), ObjectBytes(event),
                    absl::StrCat(BytesField(3, ""), BytesField(4, "")));
}

std::string ListBytes(const std::vector<std::string>& items,
                      absl::string_view resource_version,
                      absl::string_view continue_token) {
  std::string out = BytesField(
      1, absl::StrCat(BytesField(1, ""), BytesField(2, resource_version),
                      BytesField(3, continue_token)));
  for (const std::string& item : items) {
    absl::StrAppend(&out, BytesField(2, item));
  }
  return out;
}

std::string ProtobufFrame(absl::string_view type, absl::string_view object) {
  return WithLength(
      absl::StrCat(BytesField(1, type), BytesField(2, BytesField(1, object))));
}

std::string WithLength(absl::string_view message) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(message.size() >> shift));
  }
  return absl::StrCat(out, message);
}

std::string FromHex(absl::string_view hex) {
  return absl::HexStringToBytes(
      absl::StrReplaceAll(hex, {{" ", ""}, {"\n", ""}}));
}

}  // namespace netpol
