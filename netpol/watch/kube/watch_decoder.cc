#include "netpol/watch/kube/watch_decoder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/api_kind.h"
#include "netpol/watch/kube/body_format.h"
#include "netpol/watch/kube/frame_cutter.h"
#include "netpol/watch/kube/json_cursor.h"
#include "netpol/watch/kube/json_object.h"
#include "netpol/watch/kube/object_decoder.h"
#include "netpol/watch/kube/object_metadata.h"
#include "netpol/watch/kube/wire_reader.h"

namespace netpol {
namespace {

using Type = WatchFrame::Type;

absl::StatusOr<Type> ParseType(absl::string_view text) {
  if (text == "ADDED") return Type::kAdded;
  if (text == "MODIFIED") return Type::kModified;
  if (text == "DELETED") return Type::kDeleted;
  if (text == "BOOKMARK") return Type::kBookmark;
  if (text == "ERROR") return Type::kError;
  return absl::InvalidArgumentError(
      absl::StrCat("the watch has a frame of the unknown type \"", text, "\""));
}

// The DELETE of an object of which nothing but its names is looked at.
absl::StatusOr<v1::WatchEvent> DeleteOf(v1::WatchEvent::Kind kind,
                                        const ObjectMetadata& metadata) {
  k8s::AnyObject names;
  names.mutable_metadata()->set_name(std::string(metadata.name));
  names.mutable_metadata()->set_namespace_(std::string(metadata.space));
  ASSIGN_OR_RETURN(v1::WatchEvent event,
                   DecodeItem(kind, names.SerializeAsString()));
  event.set_type(v1::WatchEvent::DELETE);
  return event;
}

// Fills in what the object in `*frame` is, from its protobuf without envelope.
void FillObject(v1::WatchEvent::Kind kind, absl::string_view object,
                WatchFrame* frame) {
  const ObjectMetadata metadata = ReadObjectMetadata(object);
  frame->resource_version = std::string(metadata.resource_version);
  if (frame->type == Type::kBookmark) {
    frame->initial_events_end = metadata.initial_events_end;
    if (metadata.resource_version.empty()) {
      frame->bad_object = absl::InvalidArgumentError(
          "a bookmark without metadata.resourceVersion");
    }
    return;
  }
  absl::StatusOr<v1::WatchEvent> event = frame->type == Type::kDeleted
                                             ? DeleteOf(kind, metadata)
                                             : DecodeItem(kind, object);
  if (event.ok()) {
    frame->event = *std::move(event);
  } else {
    frame->bad_object = event.status();
  }
}

void FillStatus(absl::StatusOr<k8s::Status> status, WatchFrame* frame) {
  if (status.ok()) {
    frame->status = *std::move(status);
    return;
  }
  frame->bad_object = status.status();
  frame->status.set_message(absl::StrCat("an error that cannot be read: ",
                                         status.status().message()));
}

// Protobuf: a bare k8s.WatchFrame, around an object in its envelope.
absl::StatusOr<WatchFrame> ReadProtobufFrame(v1::WatchEvent::Kind kind,
                                             absl::string_view bytes) {
  absl::string_view type;
  absl::string_view object;
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == k8s::WatchFrame::kTypeFieldNumber) type = field.bytes;
    if (field.number == k8s::WatchFrame::kObjectFieldNumber) {
      object = FindBytes(field.bytes, k8s::RawExtension::kRawFieldNumber);
    }
  }
  if (reader.broken()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the watch has a frame that is no event, of ", bytes.size(), " bytes"));
  }
  WatchFrame frame;
  ASSIGN_OR_RETURN(frame.type, ParseType(type));
  if (frame.type == Type::kError) {
    FillStatus(DecodeStatus(object), &frame);
    return frame;
  }
  absl::StatusOr<Envelope> envelope = OpenEnvelope(object);
  if (!envelope.ok()) {
    frame.bad_object = envelope.status();
    return frame;
  }
  FillObject(kind, envelope->raw, &frame);
  const ApiKind& expected = ApiKindOf(kind);
  if (envelope->kind != expected.name ||
      envelope->api_version != expected.api_version) {
    frame.event.reset();
    frame.bad_object = absl::InvalidArgumentError(absl::StrCat(
        "an object of ", envelope->api_version, " ", envelope->kind,
        " in a watch of ", expected.api_version, " ", expected.name));
  }
  return frame;
}

void FillJsonObject(v1::WatchEvent::Kind kind, absl::string_view object,
                    WatchFrame* frame) {
  const bool whole =
      frame->type == Type::kAdded || frame->type == Type::kModified;
  if (!whole) return FillObject(kind, EncodeJsonMetadata(object), frame);
  const absl::StatusOr<std::string> bytes = EncodeJsonObject(kind, object);
  if (bytes.ok()) return FillObject(kind, *bytes, frame);
  frame->bad_object = bytes.status();
  const std::string metadata = EncodeJsonMetadata(object);
  frame->resource_version =
      std::string(ReadObjectMetadata(metadata).resource_version);
}

// JSON: {"type":…,"object":{…}}.
absl::StatusOr<WatchFrame> ReadJsonFrame(v1::WatchEvent::Kind kind,
                                         absl::string_view text) {
  absl::string_view object;
  if (!FindJsonMember(text, "object", &object)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the watch has a frame that is no event, of ", text.size(), " bytes"));
  }
  WatchFrame frame;
  ASSIGN_OR_RETURN(frame.type, ParseType(FindJsonString(text, "type")));
  if (frame.type == Type::kError) {
    FillStatus(DecodeStatus(object), &frame);
  } else {
    FillJsonObject(kind, object, &frame);
  }
  return frame;
}

using ReadFrame = absl::StatusOr<WatchFrame> (*)(v1::WatchEvent::Kind,
                                                 absl::string_view);

template <typename Cutter, ReadFrame kReadFrame>
class CuttingWatchDecoder : public WatchDecoder {
 public:
  CuttingWatchDecoder(v1::WatchEvent::Kind kind, FrameSink frames)
      : kind_(kind), frames_(std::move(frames)) {}

  // A broken stream stays broken, whatever follows.
  absl::Status Append(absl::string_view bytes) override {
    if (!status_.ok()) return status_;
    status_ = cutter_.Append(bytes, [this](absl::string_view bytes_of_frame) {
      ASSIGN_OR_RETURN(WatchFrame frame, kReadFrame(kind_, bytes_of_frame));
      frames_(std::move(frame));
      return absl::OkStatus();
    });
    return status_;
  }

  bool AtBoundary() const override {
    return status_.ok() && cutter_.AtBoundary();
  }

 private:
  const v1::WatchEvent::Kind kind_;
  const FrameSink frames_;
  Cutter cutter_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WatchDecoder>> WatchDecoder::Create(
    absl::string_view content_type, v1::WatchEvent::Kind kind,
    FrameSink frames) {
  ASSIGN_OR_RETURN(const BodyFormat format, BodyFormatOf(content_type));
  std::unique_ptr<WatchDecoder> decoder;
  if (format == BodyFormat::kProtobuf) {
    decoder = std::make_unique<
        CuttingWatchDecoder<LengthFrameCutter, ReadProtobufFrame>>(
        kind, std::move(frames));
  } else {
    decoder =
        std::make_unique<CuttingWatchDecoder<JsonFrameCutter, ReadJsonFrame>>(
            kind, std::move(frames));
  }
  return decoder;
}

}  // namespace netpol
