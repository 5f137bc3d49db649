// Bodies as an API server sends them, for tests of what reads them.
#ifndef NETPOL_TESTS_WATCH_KUBE_WIRE_BODIES_H_
#define NETPOL_TESTS_WATCH_KUBE_WIRE_BODIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// One field of a protobuf message: a number, and bytes.
std::string VarintField(uint32_t number, uint64_t value);
std::string BytesField(uint32_t number, absl::string_view value);

// A field of each type that no message here knows.
std::string UnknownFields();

// Magic and k8s.Unknown around `raw`; `more` is appended to the latter.
std::string InEnvelope(absl::string_view api_version, absl::string_view kind,
                       absl::string_view raw, absl::string_view more = "");

// The encoded object of an UPSERT, without envelope.
std::string ObjectBytes(const v1::WatchEvent& event);
// With it.
std::string ObjectInEnvelope(const v1::WatchEvent& event);

// The message of a list: items after its metadata.
std::string ListBytes(const std::vector<std::string>& items,
                      absl::string_view resource_version,
                      absl::string_view continue_token = "");

// A frame with its length, around `object`, which has its envelope.
std::string ProtobufFrame(absl::string_view type, absl::string_view object);
// `message` with its length, whatever it is.
std::string WithLength(absl::string_view message);

// The bytes of "0a 1f …".
std::string FromHex(absl::string_view hex);

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_WIRE_BODIES_H_
