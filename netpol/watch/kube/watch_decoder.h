// The stream of a watch, as its bytes arrive.
#ifndef NETPOL_WATCH_KUBE_WATCH_DECODER_H_
#define NETPOL_WATCH_KUBE_WATCH_DECODER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "proto/k8s/wire.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// One frame of a watch.
struct WatchFrame {
  enum class Type : uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };

  Type type = Type::kAdded;
  // Of the object, for all but kError; may be empty for a broken object.
  std::string resource_version;
  // For kAdded and kModified an UPSERT, for kDeleted a DELETE; nothing if the
  // object could not be read: `bad_object` says why. A kBookmark without
  // resource version has a `bad_object`, too.
  absl::optional<v1::WatchEvent> event;
  absl::Status bad_object;
  // kBookmark with the annotation k8s.io/initial-events-end.
  bool initial_events_end = false;
  // kError. If it could not be read: a message that says so, and `bad_object`.
  k8s::Status status;
};

// Cuts the stream into frames wherever the bytes were cut by the network.
// Thread-compatible.
class WatchDecoder {
 public:
  using FrameSink = std::function<void(WatchFrame)>;

  // For the body of a response with `content_type`: frames of protobuf, or
  // JSON objects one behind the other. Unimplemented for any other type.
  static absl::StatusOr<std::unique_ptr<WatchDecoder>> Create(
      absl::string_view content_type, v1::WatchEvent::Kind kind,
      FrameSink frames);
  virtual ~WatchDecoder() = default;

  // InvalidArgument if the stream is broken beyond this object: an empty frame,
  // one of more than 64 MiB, bytes that are no frame, an unknown type of
  // event.
  virtual absl::Status Append(absl::string_view bytes) = 0;

  // Whether the stream may end here, between two frames.
  virtual bool AtBoundary() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_WATCH_DECODER_H_
