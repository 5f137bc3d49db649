#include "netpol/watch/kube/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/epoll_set.h"
#include "netpol/watch/kube/http_connections.h"
#include "netpol/watch/kube/http_transfer.h"

namespace netpol {
namespace {

class CurlHttpClient : public HttpClient {
 public:
  CurlHttpClient(HttpClientOptions options, std::unique_ptr<EpollSet> epoll_set)
      : options_(std::move(options)), epoll_set_(std::move(epoll_set)) {}
  ~CurlHttpClient() override;

  uint64_t Start(const HttpRequest& request, const Credentials& credentials,
                 HttpSink* sink) override;
  void Cancel(uint64_t number) override;
  void Run() override;
  int fd() const override { return epoll_set_->fd(); }

 private:
  // `connections` is null until libcurl has it.
  struct Running {
    std::unique_ptr<HttpTransfer> transfer;
    HttpConnections* connections = nullptr;
  };

  void BeginQueued();
  HttpConnections* ConnectionsFor(uint64_t tls_generation);
  void Advance();
  void FinishEnded();
  void FinishLate();
  void Finish(uint64_t number, const absl::Status& status);
  void DropCancelled();
  void DropIdleConnections();
  void SetAlarm();

  const HttpClientOptions options_;
  const std::unique_ptr<EpollSet> epoll_set_;
  // The last one is for new requests; the others only finish what they have.
  std::vector<std::unique_ptr<HttpConnections>> pools_;
  std::map<uint64_t, Running> running_;  // By number.
  std::vector<uint64_t> queued_;         // Not yet begun.
  // libcurl calls us: what is cancelled now must wait until it is done.
  bool in_curl_ = false;
  std::vector<uint64_t> cancelled_;
  uint64_t last_number_ = 0;
};

CurlHttpClient::~CurlHttpClient() {
  for (auto& [number, running] : running_) {
    running.transfer->Forget();
    if (running.connections != nullptr) {
      running.connections->Remove(running.transfer->easy());
    }
  }
}

uint64_t CurlHttpClient::Start(const HttpRequest& request,
                               const Credentials& credentials, HttpSink* sink) {
  const uint64_t number = ++last_number_;
  running_[number].transfer = std::make_unique<HttpTransfer>(
      number, options_, request, credentials, sink, MonotonicNow());
  queued_.push_back(number);
  SetAlarm();
  return number;
}

void CurlHttpClient::Cancel(uint64_t number) {
  auto it = running_.find(number);
  if (it == running_.end()) return;
  it->second.transfer->Forget();
  cancelled_.push_back(number);
  if (in_curl_) return;
  DropCancelled();
  SetAlarm();
}

void CurlHttpClient::Run() {
  BeginQueued();
  Advance();
  DropCancelled();
  FinishEnded();
  FinishLate();
  DropIdleConnections();
  SetAlarm();
}

void CurlHttpClient::BeginQueued() {
  for (const uint64_t number : std::exchange(queued_, {})) {
    auto it = running_.find(number);
    if (it == running_.end()) continue;
    HttpTransfer& transfer = *it->second.transfer;
    absl::Status status = transfer.preparation();
    if (status.ok()) {
      HttpConnections* const pool = ConnectionsFor(transfer.tls_generation());
      status = pool->Add(transfer.easy());
      if (status.ok()) it->second.connections = pool;
    }
    if (!status.ok()) Finish(number, status);
  }
}

HttpConnections* CurlHttpClient::ConnectionsFor(uint64_t tls_generation) {
  if (pools_.empty() || pools_.back()->abandoned() ||
      pools_.back()->tls_generation() != tls_generation) {
    pools_.push_back(
        std::make_unique<HttpConnections>(epoll_set_.get(), tls_generation));
  }
  return pools_.back().get();
}

void CurlHttpClient::Advance() {
  in_curl_ = true;
  for (const EpollSet::Ready& ready : epoll_set_->Take()) {
    for (const auto& pool : pools_) pool->OnReady(ready);
  }
  const absl::Duration now = MonotonicNow();
  for (const auto& pool : pools_) pool->OnAlarm(now);
  in_curl_ = false;
}

void CurlHttpClient::FinishEnded() {
  for (const auto& pool : pools_) {
    while (const absl::optional<HttpConnections::Ended> ended =
               pool->NextEnded()) {
      HttpTransfer& transfer = *HttpTransfer::FromEasy(ended->easy);
      if (transfer.TakeRetry(ended->code)) {
        pool->Abandon();
        pool->Remove(ended->easy);
        running_[transfer.number()].connections = nullptr;
        queued_.push_back(transfer.number());
        continue;
      }
      Finish(transfer.number(), transfer.Result(ended->code));
    }
  }
}

void CurlHttpClient::FinishLate() {
  const absl::Duration now = MonotonicNow();
  std::vector<uint64_t> late;
  for (const auto& [number, running] : running_) {
    if (running.transfer->deadline() <= now) late.push_back(number);
  }
  for (const uint64_t number : late) {
    auto it = running_.find(number);
    if (it == running_.end()) continue;
    // The server, or the way to it, may be stuck: try another connection.
    if (it->second.connections != nullptr) it->second.connections->Abandon();
    Finish(number, it->second.transfer->LimitError());
  }
}

// The sink may start and cancel others: nothing is held over its call.
void CurlHttpClient::Finish(uint64_t number, const absl::Status& status) {
  auto node = running_.extract(number);
  Running& running = node.mapped();
  if (running.connections != nullptr) {
    running.connections->Remove(running.transfer->easy());
  }
  HttpSink* const sink = running.transfer->sink();
  if (sink != nullptr) sink->OnDone(status);
}

void CurlHttpClient::DropCancelled() {
  for (const uint64_t number : std::exchange(cancelled_, {})) {
    auto it = running_.find(number);
    if (it == running_.end()) continue;
    if (it->second.connections != nullptr) {
      it->second.connections->Remove(it->second.transfer->easy());
    }
    running_.erase(it);
  }
}

void CurlHttpClient::DropIdleConnections() {
  for (auto it = pools_.begin(); it != pools_.end();) {
    const bool for_new = std::next(it) == pools_.end() && !(*it)->abandoned();
    it = !for_new && (*it)->idle() ? pools_.erase(it) : std::next(it);
  }
}

void CurlHttpClient::SetAlarm() {
  absl::Duration alarm = absl::InfiniteDuration();
  if (!queued_.empty()) alarm = absl::ZeroDuration();
  for (const auto& pool : pools_) alarm = std::min(alarm, pool->alarm());
  for (const auto& [number, running] : running_) {
    alarm = std::min(alarm, running.transfer->deadline());
  }
  epoll_set_->SetAlarm(alarm);
}

// API servers print JSON prettily, and slowly, for what looks like a person's
// tool.
absl::Status CheckUserAgent(const std::string& user_agent) {
  if (user_agent.empty() || absl::StartsWith(user_agent, "curl") ||
      absl::StartsWith(user_agent, "Wget") ||
      absl::StartsWith(user_agent, "Mozilla/5.0") ||
      std::any_of(user_agent.begin(), user_agent.end(),
                  [](char c) { return absl::ascii_iscntrl(c); })) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", user_agent,
                     "\" cannot be the user agent of an API client; "
                     "name the program, such as \"name/1.0 (linux/amd64)\""));
  }
  return absl::OkStatus();
}

absl::Status InitializeCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code == CURLE_OK) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("libcurl does not start: ", curl_easy_strerror(code)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Create(
    HttpClientOptions options) {
  RETURN_IF_ERROR(CheckUserAgent(options.user_agent));
  if (options.connect_timeout < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("the connect timeout must be positive");
  }
  RETURN_IF_ERROR(InitializeCurl());
  ASSIGN_OR_RETURN(std::unique_ptr<EpollSet> epoll_set, EpollSet::Create());
  return std::unique_ptr<HttpClient>(
      new CurlHttpClient(std::move(options), std::move(epoll_set)));
}

}  // namespace netpol
