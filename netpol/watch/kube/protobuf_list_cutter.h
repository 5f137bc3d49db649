// The body of a list in protobuf, cut into its objects as it arrives.
#ifndef NETPOL_WATCH_KUBE_PROTOBUF_LIST_CUTTER_H_
#define NETPOL_WATCH_KUBE_PROTOBUF_LIST_CUTTER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/api_kind.h"
#include "proto/k8s/meta.pb.h"
#include "proto/k8s/wire.pb.h"

namespace netpol {

// Reads magic, envelope (k8s.Unknown) and, as its raw bytes, a message
// {metadata = 1, items = 2}. Fields may come in any order, so what the envelope
// says behind the raw bytes is found wrong only after the objects were given.
// Keeps at most one object, and one that lies in one piece not even copied.
// Thread-compatible.
class ProtobufListCutter {
 public:
  // The bytes of an object, good during the call.
  using ObjectSink = std::function<void(absl::string_view)>;

  ProtobufListCutter(const ApiKind& kind, ObjectSink objects)
      : kind_(kind), objects_(std::move(objects)) {}

  // InvalidArgument: not such a list. Then no more is to be appended.
  absl::Status Append(absl::string_view bytes);
  // InvalidArgument: the body ended in the middle.
  absl::Status Finish() const;

  // Complete after Finish().
  const k8s::ListMeta& metadata() const { return metadata_; }

 private:
  // What the next byte belongs to.
  enum class State : uint8_t {
    kMagic,
    kTag,
    kVarint,   // The value of a field that is skipped.
    kLength,   // Of a field of bytes.
    kSkip,     // `wanted_` bytes of a field that is skipped.
    kCollect,  // `wanted_` bytes of a field that is read.
  };

  // Each takes bytes off the front of `*bytes`, at least one.
  absl::Status Step(absl::string_view* bytes);
  absl::Status TakeVarint(absl::string_view* bytes);
  absl::Status TakeCollected(absl::string_view* bytes);
  absl::string_view Take(uint64_t length, absl::string_view* bytes);

  // At the end of a tag, a length, a field that was collected.
  absl::Status OnVarint(uint64_t value);
  absl::Status OnTag(uint64_t tag);
  absl::Status OnLength(uint64_t length);
  absl::Status OnCollected(absl::string_view value);

  absl::Status EnterRaw(uint64_t length);
  absl::Status CheckType() const;
  absl::Status Skip(uint64_t length);
  absl::Status Collect(uint64_t length);
  // A field ended, and with the last one the raw bytes.
  void EndField();
  absl::Status Broken(absl::string_view what) const;

  const ApiKind& kind_;
  const ObjectSink objects_;
  State state_ = State::kMagic;
  std::string collected_;
  uint64_t wanted_ = 4;  // All bytes of kMagic and kCollect, those left of
                         // kSkip.
  uint64_t varint_ = 0;
  int varint_bytes_ = 0;
  uint32_t field_ = 0;

  k8s::TypeMeta type_;
  bool seen_raw_ = false;
  bool in_raw_ = false;
  uint64_t raw_left_ = 0;
  k8s::ListMeta metadata_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_PROTOBUF_LIST_CUTTER_H_
