#include "netpol/watch/kube/wire_reader.h"

#include <cstddef>

namespace netpol {
namespace {

constexpr uint64_t kMaxTag = UINT32_MAX;

}  // namespace

bool WireReader::ReadVarint(uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    result |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

bool WireReader::ReadField(WireField* field) {
  const char* const begin = rest_.data();
  uint64_t tag = 0;
  if (!ReadVarint(&tag) || tag > kMaxTag || (tag >> 3) == 0) return false;
  field->number = static_cast<uint32_t>(tag >> 3);
  field->type = static_cast<WireType>(tag & 7);
  uint64_t length = 0;
  switch (field->type) {
    case WireType::kVarint:
      if (!ReadVarint(&field->varint)) return false;
      break;
    case WireType::kFixed64:
      length = 8;
      break;
    case WireType::kBytes:
      if (!ReadVarint(&length)) return false;
      break;
    case WireType::kFixed32:
      length = 4;
      break;
    default:
      return false;
  }
  if (length > rest_.size()) return false;
  field->bytes = rest_.substr(0, length);
  rest_.remove_prefix(length);
  field->whole = absl::string_view(begin, rest_.data() - begin);
  return true;
}

bool WireReader::Next(WireField* field) {
  if (broken_ || rest_.empty()) return false;
  broken_ = !ReadField(field);
  return !broken_;
}

absl::string_view FindBytes(absl::string_view message, uint32_t number) {
  absl::string_view found;
  WireReader reader(message);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == number && field.type == WireType::kBytes) {
      found = field.bytes;
    }
  }
  return found;
}

}  // namespace netpol
