// One request while it runs: libcurl's handle, the time limits, the sink.
#ifndef NETPOL_WATCH_KUBE_HTTP_TRANSFER_H_
#define NETPOL_WATCH_KUBE_HTTP_TRANSFER_H_

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/watch/kube/credentials.h"
#include "netpol/watch/kube/http_client_options.h"
#include "netpol/watch/kube/http_head_reader.h"
#include "netpol/watch/kube/http_request.h"
#include "netpol/watch/kube/http_target.h"

namespace netpol {

// Thread-compatible. Bodies are handed on as they come, none of it is kept.
class HttpTransfer {
 public:
  // `now` as of MonotonicNow(): the limits count from it.
  HttpTransfer(uint64_t number, const HttpClientOptions& options,
               const HttpRequest& request, const Credentials& credentials,
               HttpSink* sink, absl::Duration now);
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  uint64_t number() const { return number_; }
  uint64_t tls_generation() const { return tls_generation_; }
  // Not OK: it cannot be sent.
  const absl::Status& preparation() const { return preparation_; }
  CURL* easy() const { return easy_.get(); }
  static HttpTransfer* FromEasy(CURL* easy);

  // Null after Forget().
  HttpSink* sink() const { return sink_; }
  void Forget() { sink_ = nullptr; }

  // When the next limit ends it, as of MonotonicNow(); infinite for never.
  absl::Duration deadline() const;
  // Which limit that was.
  absl::Status LimitError() const;
  // Whether to start it anew on another connection, when libcurl says `code`;
  // once. An HTTP/2 server that goes away takes no new requests on the old
  // connection; libcurl 7.88 sends them all the same at times.
  bool TakeRetry(CURLcode code);
  // How it ended, when libcurl says `code`.
  absl::Status Result(CURLcode code) const;

 private:
  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };

  absl::Status Prepare(const HttpClientOptions& options,
                       const HttpRequest& request,
                       const Credentials& credentials);
  void SetTransport(const HttpClientOptions& options);
  void SetProxy(const HttpClientOptions& options);
  void SetTls(const HttpClientOptions& options, const Credentials& credentials);
  void SetCallbacks();
  absl::Status AddHeader(absl::string_view name, absl::string_view value);
  bool OnHeaderLine(absl::string_view line);
  bool OnBody(absl::string_view bytes);
  static size_t HeaderCallback(char* data, size_t size, size_t count,
                               void* self);
  static size_t BodyCallback(char* data, size_t size, size_t count, void* self);

  const uint64_t number_;
  const uint64_t tls_generation_;
  const absl::Duration head_timeout_;
  const absl::Duration idle_timeout_;
  const absl::Duration total_timeout_;
  const absl::Duration connect_timeout_;
  const absl::Duration started_;
  absl::Duration last_piece_;
  HttpSink* sink_;
  HttpTarget target_;
  std::string checked_name_;
  HttpHeadReader head_;
  absl::Status preparation_;
  absl::Status sink_status_;
  std::array<char, CURL_ERROR_SIZE> error_ = {};
  bool retried_ = false;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::unique_ptr<CURL, EasyDeleter> easy_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_TRANSFER_H_
