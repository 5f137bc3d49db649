// An HTTP client whose answers a test gives by hand.
#ifndef NETPOL_TESTS_WATCH_KUBE_FAKE_HTTP_CLIENT_H_
#define NETPOL_TESTS_WATCH_KUBE_FAKE_HTTP_CLIENT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/credentials.h"
#include "netpol/watch/kube/http_client.h"

namespace netpol {

// For one request at a time. The sink is called at once, within the call of the
// test.
class FakeHttpClient : public HttpClient {
 public:
  uint64_t Start(const HttpRequest& request, const Credentials& credentials,
                 HttpSink* sink) override {
    requests_.push_back(request);
    authorizations_.push_back(credentials.authorization);
    sink_ = sink;
    return ++number_;
  }
  void Cancel(uint64_t number) override {
    if (number != number_ || sink_ == nullptr) return;
    sink_ = nullptr;
    ++cancelled_;
  }
  void Run() override {}
  int fd() const override { return -1; }

  bool asked() const { return sink_ != nullptr; }
  int count() const { return static_cast<int>(requests_.size()); }
  int cancelled() const { return cancelled_; }
  const HttpRequest& last() const { return requests_.back(); }
  const std::string& last_authorization() const {
    return authorizations_.back();
  }

  void Head(int status, absl::string_view type,
            absl::optional<absl::Duration> retry_after = absl::nullopt) {
    HttpHead head;
    head.status = status;
    head.content_type = std::string(type);
    head.retry_after = retry_after;
    Head(head);
  }
  void Head(const HttpHead& head) { sink_->OnHead(head); }
  // An error of the sink ends the request, as it says.
  void Body(absl::string_view bytes) {
    const absl::Status taken = sink_->OnBody(bytes);
    if (!taken.ok()) Done(taken);
  }
  void Done(const absl::Status& status = absl::OkStatus()) {
    std::exchange(sink_, nullptr)->OnDone(status);
  }

 private:
  std::vector<HttpRequest> requests_;
  std::vector<std::string> authorizations_;
  HttpSink* sink_ = nullptr;
  uint64_t number_ = 0;
  int cancelled_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_FAKE_HTTP_CLIENT_H_
