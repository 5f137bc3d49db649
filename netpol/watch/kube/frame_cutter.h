// The stream of a watch, cut into its frames wherever the network cut it.
#ifndef NETPOL_WATCH_KUBE_FRAME_CUTTER_H_
#define NETPOL_WATCH_KUBE_FRAME_CUTTER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/json_scanner.h"

namespace netpol {

// Gets a frame, good during the call; an error ends the cutting.
using FrameBytesSink = std::function<absl::Status(absl::string_view)>;

// Frames with their length before them, in four bytes, big-endian. Keeps at
// most one frame, and one that lies in one piece not even copied.
// Thread-compatible.
class LengthFrameCutter {
 public:
  // InvalidArgument for an empty frame and one above kMaxObjectBytes
  // (body_format.h); the sink's error. Then no more is to be appended.
  absl::Status Append(absl::string_view bytes, const FrameBytesSink& frames);

  bool AtBoundary() const { return length_bytes_ == 0; }

 private:
  absl::Status TakeLength(absl::string_view* bytes);
  absl::Status TakeFrame(absl::string_view* bytes,
                         const FrameBytesSink& frames);

  int length_bytes_ = 0;  // That were read.
  uint32_t length_ = 0;
  std::string frame_;
};

// JSON objects one behind the other, with blanks between or none.
// Thread-compatible.
class JsonFrameCutter {
 public:
  // InvalidArgument for anything between two objects, and an object above
  // kMaxObjectBytes; the sink's error. Then no more is to be appended.
  absl::Status Append(absl::string_view bytes, const FrameBytesSink& frames);

  bool AtBoundary() const { return frame_.empty(); }

 private:
  absl::Status TakeFrame(absl::string_view* bytes,
                         const FrameBytesSink& frames);

  JsonScanner scanner_;
  std::string frame_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_FRAME_CUTTER_H_
