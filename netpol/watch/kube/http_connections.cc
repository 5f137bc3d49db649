#include "netpol/watch/kube/http_connections.h"

#include "absl/strings/str_cat.h"

namespace netpol {

HttpConnections::HttpConnections(EpollSet* epoll_set, uint64_t tls_generation)
    : epoll_set_(epoll_set),
      tls_generation_(tls_generation),
      multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &SocketCallback);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &TimerCallback);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
}

HttpConnections::~HttpConnections() { curl_multi_cleanup(multi_); }

absl::Status HttpConnections::Add(CURL* easy) {
  const CURLMcode code = curl_multi_add_handle(multi_, easy);
  if (code != CURLM_OK) {
    return absl::UnavailableError(absl::StrCat("a request cannot be started: ",
                                               curl_multi_strerror(code)));
  }
  ++running_;
  return absl::OkStatus();
}

void HttpConnections::Remove(CURL* easy) {
  if (curl_multi_remove_handle(multi_, easy) == CURLM_OK) --running_;
}

void HttpConnections::OnReady(const EpollSet::Ready& ready) {
  if (sockets_.count(ready.fd) == 0) return;
  // Errors are for libcurl to find: told of them, it would not say which.
  const int what = (ready.readable ? CURL_CSELECT_IN : 0) |
                   (ready.writable ? CURL_CSELECT_OUT : 0);
  int running = 0;
  curl_multi_socket_action(multi_, ready.fd, what, &running);
}

void HttpConnections::OnAlarm(absl::Duration now) {
  if (now < alarm_) return;
  alarm_ = absl::InfiniteDuration();
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

absl::optional<HttpConnections::Ended> HttpConnections::NextEnded() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) {
      return Ended{message->easy_handle, message->data.result};
    }
  }
  return absl::nullopt;
}

int HttpConnections::SocketCallback(CURL*, curl_socket_t fd, int what,
                                    void* self, void*) {
  HttpConnections& connections = *static_cast<HttpConnections*>(self);
  if (what == CURL_POLL_REMOVE) {
    connections.sockets_.erase(fd);
    connections.epoll_set_->Remove(fd);
  } else {
    connections.sockets_.insert(fd);
    connections.epoll_set_->Set(fd, (what & CURL_POLL_IN) != 0,
                                (what & CURL_POLL_OUT) != 0);
  }
  return 0;
}

// NOLINTNEXTLINE(google-runtime-int): libcurl's own type.
int HttpConnections::TimerCallback(CURLM*, long timeout_ms, void* self) {
  static_cast<HttpConnections*>(self)->alarm_ =
      timeout_ms < 0 ? absl::InfiniteDuration()
                     : MonotonicNow() + absl::Milliseconds(timeout_ms);
  return 0;
}

}  // namespace netpol
