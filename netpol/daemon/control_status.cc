#include "netpol/daemon/control_status.h"

namespace netpol {
namespace {

struct Pair {
  absl::StatusCode code;
  int http_status;
};

constexpr Pair kPairs[] = {
    {absl::StatusCode::kOk, 200},
    {absl::StatusCode::kInvalidArgument, 400},
    {absl::StatusCode::kNotFound, 404},
    {absl::StatusCode::kFailedPrecondition, 409},
    {absl::StatusCode::kUnavailable, 503},
};

}  // namespace

int HttpStatusOf(absl::StatusCode code) {
  for (const Pair& pair : kPairs) {
    if (pair.code == code) return pair.http_status;
  }
  return 500;
}

absl::StatusCode StatusCodeOf(int http_status) {
  for (const Pair& pair : kPairs) {
    if (pair.http_status == http_status) return pair.code;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace netpol
