#include "netpol/watch/kube/protobuf_list_cutter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/body_format.h"
#include "netpol/watch/kube/object_decoder.h"
#include "netpol/watch/kube/wire_reader.h"

namespace netpol {
namespace {

// Of every XxxList.
constexpr uint32_t kMetadata = 1;
constexpr uint32_t kItems = 2;

constexpr size_t kKeptCapacity = size_t{1} << 20;

}  // namespace

absl::Status ProtobufListCutter::Append(absl::string_view bytes) {
  while (!bytes.empty()) RETURN_IF_ERROR(Step(&bytes));
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::Finish() const {
  if (state_ == State::kTag && varint_bytes_ == 0 && !in_raw_ && seen_raw_) {
    return absl::OkStatus();
  }
  return Broken("the body ended in the middle");
}

absl::Status ProtobufListCutter::Step(absl::string_view* bytes) {
  switch (state_) {
    case State::kTag:
    case State::kVarint:
    case State::kLength:
      return TakeVarint(bytes);
    case State::kSkip:
      wanted_ -= Take(wanted_, bytes).size();
      if (wanted_ == 0) EndField();
      return absl::OkStatus();
    case State::kMagic:
    case State::kCollect:
      break;
  }
  return TakeCollected(bytes);
}

absl::string_view ProtobufListCutter::Take(uint64_t length,
                                           absl::string_view* bytes) {
  const absl::string_view taken =
      bytes->substr(0, std::min<uint64_t>(length, bytes->size()));
  bytes->remove_prefix(taken.size());
  if (in_raw_) raw_left_ -= taken.size();
  return taken;
}

absl::Status ProtobufListCutter::TakeVarint(absl::string_view* bytes) {
  const auto byte = static_cast<uint8_t>(Take(1, bytes)[0]);
  varint_ |= uint64_t{byte & 0x7fu} << (7 * varint_bytes_);
  ++varint_bytes_;
  if (byte >= 0x80) {
    if (varint_bytes_ == 10) return Broken("a number of more than 10 bytes");
    if (in_raw_ && raw_left_ == 0) return Broken("a number without end");
    return absl::OkStatus();
  }
  const uint64_t value = varint_;
  varint_ = 0;
  varint_bytes_ = 0;
  return OnVarint(value);
}

absl::Status ProtobufListCutter::OnVarint(uint64_t value) {
  if (state_ == State::kTag) return OnTag(value);
  if (state_ == State::kLength) return OnLength(value);
  EndField();
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::OnTag(uint64_t tag) {
  if (tag > UINT32_MAX || tag >> 3 == 0) return Broken("not a field");
  field_ = static_cast<uint32_t>(tag >> 3);
  // A tag is never the last byte of a message.
  if (in_raw_ && raw_left_ == 0) return Broken("a field without value");
  switch (static_cast<WireType>(tag & 7)) {
    case WireType::kVarint:
      state_ = State::kVarint;
      return absl::OkStatus();
    case WireType::kBytes:
      state_ = State::kLength;
      return absl::OkStatus();
    case WireType::kFixed64:
      return Skip(8);
    case WireType::kFixed32:
      return Skip(4);
  }
  return Broken("a field of an unknown type");
}

absl::Status ProtobufListCutter::OnLength(uint64_t length) {
  if (in_raw_) {
    return field_ == kMetadata || field_ == kItems ? Collect(length)
                                                   : Skip(length);
  }
  switch (field_) {
    case k8s::Unknown::kRawFieldNumber:
      return EnterRaw(length);
    case k8s::Unknown::kTypeMetaFieldNumber:
    case k8s::Unknown::kContentEncodingFieldNumber:
    case k8s::Unknown::kContentTypeFieldNumber:
      return Collect(length);
    default:
      return Skip(length);
  }
}

absl::Status ProtobufListCutter::EnterRaw(uint64_t length) {
  if (seen_raw_) return Broken("two lists in one body");
  seen_raw_ = true;
  // Small, and its message is worth telling.
  if (type_.kind() == "Status") return Collect(length);
  in_raw_ = true;
  raw_left_ = length;
  EndField();
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::Skip(uint64_t length) {
  if (in_raw_ && length > raw_left_) return Broken("a field beyond the end");
  wanted_ = length;
  state_ = State::kSkip;
  if (length == 0) EndField();
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::Collect(uint64_t length) {
  if (in_raw_ && length > raw_left_) return Broken("a field beyond the end");
  if (length > kMaxObjectBytes) {
    return Broken(absl::StrCat("an object of ", length, " bytes; at most ",
                               kMaxObjectBytes, " are read"));
  }
  wanted_ = length;
  state_ = State::kCollect;
  return length == 0 ? OnCollected("") : absl::OkStatus();
}

absl::Status ProtobufListCutter::TakeCollected(absl::string_view* bytes) {
  const absl::string_view taken = Take(wanted_ - collected_.size(), bytes);
  if (taken.size() == wanted_) return OnCollected(taken);
  collected_.append(taken.data(), taken.size());
  if (collected_.size() < wanted_) return absl::OkStatus();
  RETURN_IF_ERROR(OnCollected(collected_));
  collected_.clear();
  if (collected_.capacity() > kKeptCapacity) collected_.shrink_to_fit();
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::OnCollected(absl::string_view value) {
  if (state_ == State::kMagic) {
    if (value != kProtobufMagic) {
      return Broken("it does not begin with \"k8s\" and a zero");
    }
  } else if (in_raw_ && field_ == kItems) {
    objects_(value);
  } else if (in_raw_) {
    if (!metadata_.MergeFromString(std::string(value))) {
      return Broken("broken metadata");
    }
    metadata_.DiscardUnknownFields();
  } else if (field_ == k8s::Unknown::kTypeMetaFieldNumber) {
    if (!type_.MergeFromString(std::string(value))) return Broken("no type");
    RETURN_IF_ERROR(CheckType());
  } else if (field_ == k8s::Unknown::kRawFieldNumber) {
    k8s::Status status;
    status.ParseFromArray(value.data(), static_cast<int>(value.size()));
    return Broken(absl::StrCat("the server answered with a Status instead: ",
                               status.reason(), ": ", status.message()));
  } else {
    RETURN_IF_ERROR(CheckEnvelopeField(field_, value));
  }
  EndField();
  return absl::OkStatus();
}

absl::Status ProtobufListCutter::CheckType() const {
  const std::string expected = absl::StrCat(kind_.name, "List");
  // A Status is told when its content is there.
  const bool status_follows = type_.kind() == "Status" && !seen_raw_;
  if (status_follows ||
      (type_.kind() == expected && type_.api_version() == kind_.api_version)) {
    return absl::OkStatus();
  }
  return Broken(
      absl::StrCat("it is a \"", type_.api_version(), " ", type_.kind(), "\""));
}

void ProtobufListCutter::EndField() {
  state_ = State::kTag;
  if (in_raw_ && raw_left_ == 0) in_raw_ = false;
}

absl::Status ProtobufListCutter::Broken(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat("not a ", kind_.name,
                                                 "List of ", kind_.api_version,
                                                 " in protobuf: ", what));
}

}  // namespace netpol
