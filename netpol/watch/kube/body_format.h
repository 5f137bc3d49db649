// The two encodings of the API that are read here.
#ifndef NETPOL_WATCH_KUBE_BODY_FORMAT_H_
#define NETPOL_WATCH_KUBE_BODY_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

enum class BodyFormat : uint8_t { kProtobuf, kJson };

// No object, list item or frame is larger. etcd takes 1.5 MiB by default, so
// this is far on the safe side.
inline constexpr size_t kMaxObjectBytes = size_t{64} << 20;

// By the value of Content-Type; letter case and parameters do not matter.
// Unimplemented for anything else.
absl::StatusOr<BodyFormat> BodyFormatOf(absl::string_view content_type);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_BODY_FORMAT_H_
