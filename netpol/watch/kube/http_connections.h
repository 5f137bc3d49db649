// A pool of connections that requests share: one multi handle of libcurl.
#ifndef NETPOL_WATCH_KUBE_HTTP_CONNECTIONS_H_
#define NETPOL_WATCH_KUBE_HTTP_CONNECTIONS_H_

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/epoll_set.h"

namespace netpol {

// Thread-compatible. None of its functions may be called from within a callback
// of libcurl, hence from OnHead and OnBody of a sink.
class HttpConnections {
 public:
  struct Ended {
    CURL* easy = nullptr;
    CURLcode code = CURLE_OK;
  };

  // Its sockets wait in `epoll_set`, which must outlive it.
  HttpConnections(EpollSet* epoll_set, uint64_t tls_generation);
  ~HttpConnections();
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  // `easy` is not owned; it must be removed before it is destroyed.
  absl::Status Add(CURL* easy);
  void Remove(CURL* easy);

  // Goes on where a socket is ready; nothing if it has no such socket.
  void OnReady(const EpollSet::Ready& ready);
  // Does what is due by libcurl's timer, as of MonotonicNow().
  void OnAlarm(absl::Duration now);
  absl::Duration alarm() const { return alarm_; }  // Infinite: none.

  // The next request that has ended by itself; still to be removed.
  absl::optional<Ended> NextEnded();

  uint64_t tls_generation() const { return tls_generation_; }
  bool idle() const { return running_ == 0; }

  // No new request should use it any more.
  void Abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }

 private:
  static int SocketCallback(CURL*, curl_socket_t fd, int what, void* self,
                            void*);
  static int TimerCallback(CURLM*, long timeout_ms, void* self);

  EpollSet* const epoll_set_;
  const uint64_t tls_generation_;
  bool abandoned_ = false;
  int running_ = 0;
  absl::Duration alarm_ = absl::InfiniteDuration();
  std::set<int> sockets_;
  CURLM* const multi_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_CONNECTIONS_H_
