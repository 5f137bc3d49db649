#include "netpol/watch/kube/http_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/curl_error.h"
#include "netpol/watch/kube/epoll_set.h"

namespace netpol {
namespace {

constexpr int kUserTimeoutMs = 45'000;

// Data that nobody acknowledges for this long ends the connection; by itself
// the kernel would try for a quarter of an hour.
int SetUserTimeout(void*, curl_socket_t fd, curlsocktype) {
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs,
             sizeof(kUserTimeoutMs));
  return CURL_SOCKOPT_OK;
}

void SetBlob(CURL* easy, CURLoption option, const std::string& text) {
  if (text.empty()) return;
  curl_blob blob = {const_cast<char*>(text.data()), text.size(),
                    CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

}  // namespace

HttpTransfer::HttpTransfer(uint64_t number, const HttpClientOptions& options,
                           const HttpRequest& request,
                           const Credentials& credentials, HttpSink* sink,
                           absl::Duration now)
    : number_(number),
      tls_generation_(credentials.tls_generation),
      head_timeout_(request.head_timeout),
      idle_timeout_(request.idle_timeout),
      total_timeout_(request.total_timeout),
      connect_timeout_(options.connect_timeout),
      started_(now),
      last_piece_(now),
      sink_(sink),
      easy_(curl_easy_init()) {
  preparation_ = Prepare(options, request, credentials);
}

HttpTransfer::~HttpTransfer() {
  easy_.reset();
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
}

HttpTransfer* HttpTransfer::FromEasy(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return reinterpret_cast<HttpTransfer*>(self);
}

absl::Status HttpTransfer::Prepare(const HttpClientOptions& options,
                                   const HttpRequest& request,
                                   const Credentials& credentials) {
  if (easy_ == nullptr) return absl::UnavailableError("out of memory");
  ASSIGN_OR_RETURN(target_,
                   ParseHttpTarget(request.url, options.tls_server_name));
  // Whoever listens on the way could use it, a proxy to begin with.
  const bool direct = options.no_proxy || options.proxy_url.empty();
  if (!credentials.authorization.empty() && !target_.https &&
      !(target_.loopback && direct)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no credentials are sent to ", target_.host_port,
                     " over plain http; use an https:// URL"));
  }
  checked_name_ =
      target_.connect_to.empty() ? target_.host_port : options.tls_server_name;
  curl_easy_setopt(easy(), CURLOPT_URL, target_.url.c_str());
  if (!request.accept.empty()) {
    RETURN_IF_ERROR(AddHeader("Accept", request.accept));
  }
  if (!credentials.authorization.empty()) {
    RETURN_IF_ERROR(AddHeader("Authorization", credentials.authorization));
  }
  if (!target_.connect_to.empty()) {
    // The server is asked for by its own name all the same.
    RETURN_IF_ERROR(AddHeader("Host", target_.host_port));
  }
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(easy(), CURLOPT_USERAGENT, options.user_agent.c_str());
  SetTransport(options);
  SetProxy(options);
  if (target_.https) SetTls(options, credentials);
  SetCallbacks();
  return absl::OkStatus();
}

void HttpTransfer::SetTransport(const HttpClientOptions& options) {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(
      easy, CURLOPT_HTTP_VERSION,
      options.http1_only ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
  // Rather wait for the first connection's ALPN than open one for each.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  // Without an Accept-Encoding none is expected; should one come all the same,
  // its bytes go on as they are (libcurl fails at the second gzip member).
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, nullptr);
  curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &SetUserTimeout);
  curl_easy_setopt(
      easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(absl::ToInt64Milliseconds(connect_timeout_)));
  // A name server that does not answer holds nobody up.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 32L << 10);
  if (!target_.connect_to.empty()) {
    // libcurl does not copy the list.
    connect_to_ = curl_slist_append(nullptr, target_.connect_to.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
  }
}

void HttpTransfer::SetProxy(const HttpClientOptions& options) {
  CURL* const easy = easy_.get();
  if (options.no_proxy || (options.proxy_url.empty() && target_.loopback)) {
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  } else if (!options.proxy_url.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, options.proxy_url.c_str());
    // Or else NO_PROXY of the environment would count.
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  }
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void HttpTransfer::SetTls(const HttpClientOptions& options,
                          const Credentials& credentials) {
  CURL* const easy = easy_.get();
  const bool verify = !options.insecure_skip_tls_verify;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (!credentials.certificate_authority_pem.empty()) {
    // The roots of the system would be believed as well.
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    SetBlob(easy, CURLOPT_CAINFO_BLOB, credentials.certificate_authority_pem);
  }
  SetBlob(easy, CURLOPT_SSLCERT_BLOB, credentials.client_certificate_pem);
  SetBlob(easy, CURLOPT_SSLKEY_BLOB, credentials.client_key_pem);
  // OpenSSL would ask for the pass phrase of an encrypted key on the terminal.
  curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

void HttpTransfer::SetCallbacks() {
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HeaderCallback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &BodyCallback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

absl::Status HttpTransfer::AddHeader(absl::string_view name,
                                     absl::string_view value) {
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return absl::ascii_iscntrl(c); })) {
    return absl::InvalidArgumentError(
        absl::StrCat("the header ", name, " for ", target_.host_port,
                     " would have a control character (a line break?) in it"));
  }
  headers_ =
      curl_slist_append(headers_, absl::StrCat(name, ": ", value).c_str());
  return absl::OkStatus();
}

absl::Duration HttpTransfer::deadline() const {
  const absl::Duration piece =
      head_.complete() ? last_piece_ + idle_timeout_ : started_ + head_timeout_;
  return std::min(piece, started_ + total_timeout_);
}

absl::Status HttpTransfer::LimitError() const {
  const std::string& server = target_.host_port;
  if (deadline() == started_ + total_timeout_) {
    return absl::DeadlineExceededError(
        absl::StrCat("the response of ", server, " was not complete after ",
                     absl::FormatDuration(total_timeout_)));
  }
  if (!head_.complete()) {
    return absl::DeadlineExceededError(
        absl::StrCat(server, " did not answer within ",
                     absl::FormatDuration(head_timeout_)));
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "nothing came from ", server, " for ",
      absl::FormatDuration(idle_timeout_), " in the middle of the response"));
}

bool HttpTransfer::TakeRetry(CURLcode code) {
  long new_connections = 0;  // NOLINT(google-runtime-int): libcurl's type.
  curl_easy_getinfo(easy(), CURLINFO_NUM_CONNECTS, &new_connections);
  const bool http2 = code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
  if (!http2 || new_connections > 0 || head_.complete() || retried_) {
    return false;
  }
  retried_ = true;
  error_[0] = '\0';
  return true;
}

absl::Status HttpTransfer::Result(CURLcode code) const {
  if (!sink_status_.ok()) return sink_status_;
  // libcurl takes a connection that is cut for one that is closed, and half a
  // list for all of it would be taken for deletions.
  if (code == CURLE_OK && !head_.delimited() && head_.head().status < 300) {
    return absl::UnavailableError(
        absl::StrCat(target_.host_port,
                     " did not say where its response ends (no "
                     "Content-Length, no chunks): it may be cut off"));
  }
  CurlFailure failure;
  failure.code = code;
  failure.detail = error_.data();
  failure.host_port = target_.host_port;
  failure.checked_name = checked_name_;
  failure.has_head = head_.complete();
  failure.connect_timeout = connect_timeout_;
  long os_error = 0;  // NOLINT(google-runtime-int): libcurl's type.
  curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &os_error);
  failure.os_error = static_cast<int>(os_error);
  curl_easy_getinfo(easy(), CURLINFO_SSL_VERIFYRESULT, &failure.verify_result);
  return CurlError(failure);
}

bool HttpTransfer::OnHeaderLine(absl::string_view line) {
  last_piece_ = MonotonicNow();
  if (head_.AddLine(line, absl::Now()) && sink_ != nullptr) {
    sink_->OnHead(head_.head());
  }
  return sink_ != nullptr;
}

bool HttpTransfer::OnBody(absl::string_view bytes) {
  last_piece_ = MonotonicNow();
  if (sink_ == nullptr) return false;
  sink_status_ = sink_->OnBody(bytes);
  return sink_status_.ok();
}

size_t HttpTransfer::HeaderCallback(char* data, size_t size, size_t count,
                                    void* self) {
  const absl::string_view line(data, size * count);
  return static_cast<HttpTransfer*>(self)->OnHeaderLine(line) ? line.size() : 0;
}

size_t HttpTransfer::BodyCallback(char* data, size_t size, size_t count,
                                  void* self) {
  const absl::string_view bytes(data, size * count);
  return static_cast<HttpTransfer*>(self)->OnBody(bytes) ? bytes.size() : 0;
}

}  // namespace netpol
