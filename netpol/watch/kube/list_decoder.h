// A list of objects, as its bytes arrive.
#ifndef NETPOL_WATCH_KUBE_LIST_DECODER_H_
#define NETPOL_WATCH_KUBE_LIST_DECODER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Never more than one object is kept. Objects are told as they come, so a body
// that turns out broken has told some. Thread-compatible.
class ListDecoder {
 public:
  // One object (DecodeItem). One that cannot be read costs itself only: `bad`
  // gets why.
  using ItemSink = std::function<void(v1::WatchEvent)>;
  using BadItemSink = std::function<void(const absl::Status&)>;

  // For the body of a response with `content_type`. Unimplemented for a type
  // that is neither protobuf nor JSON.
  static absl::StatusOr<std::unique_ptr<ListDecoder>> Create(
      absl::string_view content_type, v1::WatchEvent::Kind kind, ItemSink items,
      BadItemSink bad);
  virtual ~ListDecoder() = default;

  // InvalidArgument if the bytes cannot be such a list (not its magic, another
  // kind, an object of more than 64 MiB).
  virtual absl::Status Append(absl::string_view bytes) = 0;

  // The body is complete. InvalidArgument if it ended in the middle.
  virtual absl::Status Finish() = 0;

  // After Finish().
  virtual const std::string& resource_version() const = 0;
  virtual const std::string& continue_token() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_LIST_DECODER_H_
