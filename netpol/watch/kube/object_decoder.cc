#include "netpol/watch/kube/object_decoder.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/json_cursor.h"
#include "netpol/watch/kube/json_object.h"
#include "netpol/watch/kube/object_filter.h"
#include "netpol/watch/kube/widened_parts.h"
#include "netpol/watch/kube/wire_reader.h"

namespace netpol {
namespace {

constexpr absl::string_view kProtobufType =
    "application/vnd.kubernetes.protobuf";

bool IsJsonObject(absl::string_view bytes) {
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(bytes), "{");
}

absl::Status CheckNames(const ApiKind& kind, const k8s::ObjectMeta& metadata) {
  if (metadata.name().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kind.name, " without metadata.name"));
  }
  if (kind.namespaced && metadata.namespace_().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        kind.name, " ", metadata.name(), " without metadata.namespace"));
  }
  return absl::OkStatus();
}

template <typename Object>
absl::Status ParseObject(const ApiKind& kind, const std::string& bytes,
                         Object* object) {
  if (!object->ParseFromString(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kind.name, ": the object's bytes are broken"));
  }
  return CheckNames(kind, object->metadata());
}

absl::Status ParsePolicy(const ApiKind& kind, const std::string& bytes,
                         k8s::NetworkPolicy* policy) {
  RETURN_IF_ERROR(ParseObject(kind, bytes, policy));
  if (!policy->has_spec()) return absl::OkStatus();
  const k8s::ObjectMeta& metadata = policy->metadata();
  RETURN_IF_ERROR(Annotate(CloseWidenedParts(policy->mutable_spec()),
                           absl::StrCat(kind.name, " ", metadata.namespace_(),
                                        "/", metadata.name())));
  policy->DiscardUnknownFields();
  return absl::OkStatus();
}

absl::Status ParseKind(const ApiKind& kind, const std::string& bytes,
                       v1::WatchEvent* event) {
  switch (kind.kind) {
    case v1::WatchEvent::NAMESPACE:
      return ParseObject(kind, bytes, event->mutable_namespace_());
    case v1::WatchEvent::POD:
      return ParseObject(kind, bytes, event->mutable_pod());
    case v1::WatchEvent::NODE:
      return ParseObject(kind, bytes, event->mutable_node());
    case v1::WatchEvent::NETWORK_POLICY:
      return ParsePolicy(kind, bytes, event->mutable_network_policy());
    case v1::WatchEvent::KIND_UNSPECIFIED:
      break;
  }
  return absl::InvalidArgumentError("objects of no kind cannot be read");
}

absl::StatusOr<const ApiKind*> FollowedKindOf(absl::string_view api_version,
                                              absl::string_view name) {
  const ApiKind* kind = FindApiKind(api_version, name);
  if (kind != nullptr) return kind;
  if (api_version.empty() || name.empty()) {
    return absl::InvalidArgumentError(
        "not an object of the API: apiVersion or kind is missing, or it is "
        "broken");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "objects of ", api_version, " ", name,
      " are not followed; Namespace, Pod and Node (v1) and NetworkPolicy "
      "(networking.k8s.io/v1) are"));
}

absl::Status CheckIsStatus(absl::string_view api_version,
                           absl::string_view kind) {
  if (kind == "Status" && (api_version == "v1" || api_version.empty())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a Status of v1 but \"", api_version, " ", kind, "\""));
}

}  // namespace

absl::StatusOr<v1::WatchEvent> DecodeItem(v1::WatchEvent::Kind kind,
                                          absl::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string kept, FilterObject(kind, bytes));
  v1::WatchEvent event;
  event.set_type(v1::WatchEvent::UPSERT);
  RETURN_IF_ERROR(ParseKind(ApiKindOf(kind), kept, &event));
  return event;
}

absl::StatusOr<v1::WatchEvent> DecodeObject(absl::string_view bytes) {
  if (!IsJsonObject(bytes)) {
    ASSIGN_OR_RETURN(const Envelope envelope, OpenEnvelope(bytes));
    ASSIGN_OR_RETURN(const ApiKind* kind,
                     FollowedKindOf(envelope.api_version, envelope.kind));
    return DecodeItem(kind->kind, envelope.raw);
  }
  const absl::string_view api_version = FindJsonString(bytes, "apiVersion");
  const absl::string_view name = FindJsonString(bytes, "kind");
  ASSIGN_OR_RETURN(const ApiKind* kind, FollowedKindOf(api_version, name));
  ASSIGN_OR_RETURN(const std::string object,
                   EncodeJsonObject(kind->kind, bytes));
  return DecodeItem(kind->kind, object);
}

absl::StatusOr<k8s::Status> DecodeStatus(absl::string_view bytes) {
  k8s::Status status;
  if (!IsJsonObject(bytes)) {
    ASSIGN_OR_RETURN(const Envelope envelope, OpenEnvelope(bytes));
    RETURN_IF_ERROR(CheckIsStatus(envelope.api_version, envelope.kind));
    if (!status.ParseFromArray(envelope.raw.data(),
                               static_cast<int>(envelope.raw.size()))) {
      return absl::InvalidArgumentError("the Status has broken bytes");
    }
    status.DiscardUnknownFields();
    return status;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<DocumentTree> tree,
                   ParseJsonText(bytes));
  RETURN_IF_ERROR(CheckIsStatus(TextAt(tree->root(), "apiVersion"),
                                TextAt(tree->root(), "kind")));
  RETURN_IF_ERROR(Annotate(ReadJsonMessage(tree->root(), &status), "Status"));
  return status;
}

absl::StatusOr<Envelope> OpenEnvelope(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kProtobufMagic)) {
    return absl::InvalidArgumentError(
        "not an object of the API in protobuf: it does not begin with \"k8s\" "
        "and a zero");
  }
  Envelope envelope;
  bool has_raw = false;
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == k8s::Unknown::kTypeMetaFieldNumber) {
      envelope.api_version =
          FindBytes(field.bytes, k8s::TypeMeta::kApiVersionFieldNumber);
      envelope.kind = FindBytes(field.bytes, k8s::TypeMeta::kKindFieldNumber);
    } else if (field.number == k8s::Unknown::kRawFieldNumber) {
      envelope.raw = field.bytes;
      has_raw = true;
    } else {
      RETURN_IF_ERROR(CheckEnvelopeField(field.number, field.bytes));
    }
  }
  if (reader.broken() || !has_raw) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the envelope of an object in protobuf is broken or empty, in ",
        bytes.size(), " bytes behind the magic"));
  }
  return envelope;
}

absl::Status CheckEnvelopeField(uint32_t number, absl::string_view value) {
  if (number == k8s::Unknown::kContentEncodingFieldNumber && !value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an object with content encoding \"", value, "\" cannot be read"));
  }
  if (number == k8s::Unknown::kContentTypeFieldNumber && !value.empty() &&
      value != kProtobufType) {
    return absl::InvalidArgumentError(
        absl::StrCat("an object with content type \"", value,
                     "\" cannot be read in the "
                     "envelope of protobuf"));
  }
  return absl::OkStatus();
}

}  // namespace netpol
