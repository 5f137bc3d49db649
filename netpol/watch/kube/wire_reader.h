// The fields of a protobuf message one by one, without a copy.
#ifndef NETPOL_WATCH_KUBE_WIRE_READER_H_
#define NETPOL_WATCH_KUBE_WIRE_READER_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace netpol {

// How a field's value is written; the numbers of the encoding. Groups, which
// the API never uses, are not read.
enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kFixed32 = 5,
};

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  absl::string_view bytes;  // The value of kBytes, kFixed64 and kFixed32.
  uint64_t varint = 0;      // The value of kVarint.
  absl::string_view whole;  // With tag and length, as it stands.
};

// Walks over the fields of a message. Borrows its bytes.
class WireReader {
 public:
  explicit WireReader(absl::string_view message) : rest_(message) {}

  // The next field; false at the end and at bytes that are no field.
  bool Next(WireField* field);

  // What follows is no field. Stays so.
  bool broken() const { return broken_; }

 private:
  bool ReadVarint(uint64_t* value);
  bool ReadField(WireField* field);

  absl::string_view rest_;
  bool broken_ = false;
};

// The value of the last field `number` of `message` that is of kBytes; empty
// if there is none before the end or the first bytes that are no field.
absl::string_view FindBytes(absl::string_view message, uint32_t number);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_WIRE_READER_H_
