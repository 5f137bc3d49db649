#include "netpol/watch/kube/frame_cutter.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/body_format.h"

namespace netpol {
namespace {

constexpr int kLengthBytes = 4;

// Frames are small; the room for a large one is not kept.
constexpr size_t kKeptCapacity = size_t{1} << 20;

absl::Status TooLong(size_t length) {
  return absl::InvalidArgumentError(absl::StrCat("the watch has a frame of ",
                                                 length, " bytes; at most ",
                                                 kMaxObjectBytes, " are read"));
}

void Empty(std::string* frame) {
  frame->clear();
  if (frame->capacity() > kKeptCapacity) frame->shrink_to_fit();
}

}  // namespace

absl::Status LengthFrameCutter::Append(absl::string_view bytes,
                                       const FrameBytesSink& frames) {
  while (!bytes.empty()) {
    if (length_bytes_ < kLengthBytes) {
      RETURN_IF_ERROR(TakeLength(&bytes));
    } else {
      RETURN_IF_ERROR(TakeFrame(&bytes, frames));
    }
  }
  return absl::OkStatus();
}

absl::Status LengthFrameCutter::TakeLength(absl::string_view* bytes) {
  length_ = length_ << 8 | static_cast<uint8_t>(bytes->front());
  bytes->remove_prefix(1);
  if (++length_bytes_ < kLengthBytes) return absl::OkStatus();
  if (length_ == 0) {
    return absl::InvalidArgumentError("the watch has a frame of 0 bytes");
  }
  return length_ > kMaxObjectBytes ? TooLong(length_) : absl::OkStatus();
}

absl::Status LengthFrameCutter::TakeFrame(absl::string_view* bytes,
                                          const FrameBytesSink& frames) {
  const absl::string_view part = bytes->substr(0, length_ - frame_.size());
  bytes->remove_prefix(part.size());
  const bool whole = part.size() == length_;
  if (!whole) frame_.append(part.data(), part.size());
  if (!whole && frame_.size() < length_) return absl::OkStatus();
  length_bytes_ = 0;
  length_ = 0;
  RETURN_IF_ERROR(frames(whole ? part : absl::string_view(frame_)));
  Empty(&frame_);
  return absl::OkStatus();
}

absl::Status JsonFrameCutter::Append(absl::string_view bytes,
                                     const FrameBytesSink& frames) {
  while (!bytes.empty()) {
    if (frame_.empty()) {
      bytes = absl::StripLeadingAsciiWhitespace(bytes);
      if (bytes.empty()) break;
      if (bytes.front() != '{') {
        return absl::InvalidArgumentError(
            "the watch has something other than JSON objects in its stream");
      }
    }
    RETURN_IF_ERROR(TakeFrame(&bytes, frames));
  }
  return absl::OkStatus();
}

absl::Status JsonFrameCutter::TakeFrame(absl::string_view* bytes,
                                        const FrameBytesSink& frames) {
  size_t length = 0;
  bool ended = false;
  while (length < bytes->size() && !ended) {
    scanner_.Add((*bytes)[length++]);
    ended = scanner_.depth() == 0;
  }
  const absl::string_view part = bytes->substr(0, length);
  bytes->remove_prefix(length);
  if (frame_.size() + length > kMaxObjectBytes) {
    return TooLong(frame_.size() + length);
  }
  const bool whole = ended && frame_.empty();
  if (!whole) frame_.append(part.data(), part.size());
  if (!ended) return absl::OkStatus();
  RETURN_IF_ERROR(frames(whole ? part : absl::string_view(frame_)));
  Empty(&frame_);
  return absl::OkStatus();
}

}  // namespace netpol
