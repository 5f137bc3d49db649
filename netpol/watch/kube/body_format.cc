#include "netpol/watch/kube/body_format.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace netpol {

absl::StatusOr<BodyFormat> BodyFormatOf(absl::string_view content_type) {
  const absl::string_view media_type = absl::StripAsciiWhitespace(
      content_type.substr(0, content_type.find(';')));
  if (absl::EqualsIgnoreCase(media_type,
                             "application/vnd.kubernetes.protobuf")) {
    return BodyFormat::kProtobuf;
  }
  if (absl::EqualsIgnoreCase(media_type, "application/json")) {
    return BodyFormat::kJson;
  }
  return absl::UnimplementedError(absl::StrCat(
      "the server answered with content type \"", content_type,
      "\"; only application/vnd.kubernetes.protobuf and application/json can "
      "be read"));
}

}  // namespace netpol
