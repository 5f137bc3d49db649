// Objects as the API server sends them to what the controller is told.
#ifndef NETPOL_WATCH_KUBE_OBJECT_DECODER_H_
#define NETPOL_WATCH_KUBE_OBJECT_DECODER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/k8s/wire.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The bytes of one object of `kind` in protobuf, without envelope (an item of a
// list), as an UPSERT with only what the controller reads: unknown fields,
// annotations of pods, namespaces and policies, and the like are dropped.
// InvalidArgument if it is no such object or has no name.
absl::StatusOr<v1::WatchEvent> DecodeItem(v1::WatchEvent::Kind kind,
                                          absl::string_view bytes);

// One object in its envelope: magic and Unknown in protobuf, or JSON with
// apiVersion and kind. An UPSERT; InvalidArgument if it is broken, or of a kind
// that is not followed (named).
absl::StatusOr<v1::WatchEvent> DecodeObject(absl::string_view bytes);

// A Status in its envelope, protobuf or JSON. InvalidArgument for all else.
absl::StatusOr<k8s::Status> DecodeStatus(absl::string_view bytes);

// What is in an envelope of protobuf. Views into `bytes`.
struct Envelope {
  absl::string_view api_version;
  absl::string_view kind;
  absl::string_view raw;
};

// InvalidArgument for a missing magic, another encoding style, a content
// encoding or type that is not protobuf's own, or an empty body.
absl::StatusOr<Envelope> OpenEnvelope(absl::string_view bytes);

// What every envelope begins with: "k8s", and 0 for the only encoding style
// there is.
inline constexpr absl::string_view kProtobufMagic("k8s\0", 4);

// InvalidArgument if the field `number` of an envelope (k8s.Unknown) is a
// content encoding or type, and `value` says that what is inside cannot be
// read.
absl::Status CheckEnvelopeField(uint32_t number, absl::string_view value);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_OBJECT_DECODER_H_
