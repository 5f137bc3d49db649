// The head of an HTTP response, from its lines.
#ifndef NETPOL_WATCH_KUBE_HTTP_HEAD_READER_H_
#define NETPOL_WATCH_KUBE_HTTP_HEAD_READER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/watch/kube/http_request.h"

namespace netpol {

// Thread-compatible.
class HttpHeadReader {
 public:
  // One line, its CR LF included. True when it completes the head of the final
  // response: interim ones (1xx) and trailers are passed over. `now` is what a
  // date in Retry-After is measured from.
  bool AddLine(absl::string_view line, absl::Time now);

  bool complete() const { return complete_; }
  const HttpHead& head() const { return head_; }
  // It says where its body ends: not just with the connection.
  bool delimited() const { return delimited_; }

 private:
  void AddField(absl::string_view name, absl::string_view value,
                absl::Time now);

  HttpHead head_;
  bool complete_ = false;
  bool delimited_ = false;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_HEAD_READER_H_
