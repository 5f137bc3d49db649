// What went wrong at an API server, in words that say what to change.
#ifndef NETPOL_WATCH_KUBE_API_ERROR_H_
#define NETPOL_WATCH_KUBE_API_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/http_client.h"
#include "proto/k8s/wire.pb.h"

namespace netpol {

// Which request it was.
struct ApiRequestName {
  std::string verb;    // "list", "watch"
  std::string plural;  // "pods"
  std::string server;  // "https://192.0.2.1:6443"
  std::string origin;  // Where the server's address was read.
};

// The answer with `head` is not what was asked for; `status` is its body, as
// far as that is one, and `body` the first of its text. One sentence or two
// without the kind of object, as far as all kinds fare alike, so that they can
// be told together.
std::string ExplainRefusal(const ApiRequestName& request, const HttpHead& head,
                           const k8s::Status& status, absl::string_view body);

// No answer, or none that is whole (HttpSink::OnDone).
std::string ExplainFailure(const ApiRequestName& request,
                           const absl::Status& failure);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_API_ERROR_H_
