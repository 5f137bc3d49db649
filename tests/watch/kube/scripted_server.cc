#include "tests/watch/kube/scripted_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace netpol {
namespace {

constexpr std::chrono::seconds kPatience(20);

void Require(bool success, const char* what) {
  if (success) return;
  std::fprintf(stderr, "scripted server: %s failed\n", what);
  std::abort();
}

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

Bio Memory(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
             BIO_free);
}

X509* ReadCertificate(const std::string& text) {
  X509* const certificate =
      PEM_read_bio_X509(Memory(text).get(), nullptr, nullptr, nullptr);
  Require(certificate != nullptr, "reading a certificate");
  return certificate;
}

SSL_CTX* NewTls(const ScriptedServerOptions& options) {
  if (options.certificate.certificate.empty()) return nullptr;
  SSL_CTX* const tls = SSL_CTX_new(TLS_server_method());
  X509* const own = ReadCertificate(options.certificate.certificate);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(
      Memory(options.certificate.key).get(), nullptr, nullptr, nullptr);
  Require(SSL_CTX_use_certificate(tls, own) == 1 &&
              SSL_CTX_use_PrivateKey(tls, key) == 1,
          "using the server's certificate");
  X509_free(own);
  EVP_PKEY_free(key);
  if (!options.client_authority.empty()) {
    X509* const authority = ReadCertificate(options.client_authority);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), authority);
    X509_free(authority);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
  }
  return tls;
}

// OpenSSL writes without MSG_NOSIGNAL; the process keeps its own disposition,
// so that a client which raises the signal is found out.
void BlockPipeSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

ScriptedServer::ScriptedServer(ScriptedServerOptions options)
    : options_(std::move(options)) {
  Listen();
}

ScriptedServer::~ScriptedServer() { Stop(); }

std::string ScriptedServer::Url(const std::string& target) const {
  const bool tls = !options_.certificate.certificate.empty();
  return absl::StrCat(tls ? "https" : "http", "://127.0.0.1:", port_, target);
}

void ScriptedServer::Listen() {
  tls_.reset(NewTls(options_));
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listen_fd_, raw, size) == 0 && listen(listen_fd_, 64) == 0 &&
              getsockname(listen_fd_, raw, &size) == 0,
          "listening");
  port_ = ntohs(address.sin_port);
  stopping_ = false;
  accept_thread_ = std::thread([this] { AcceptLoop(); });
}

void ScriptedServer::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (listen_fd_ < 0) return;
    stopping_ = true;
    shutdown(listen_fd_, SHUT_RDWR);
    for (Connection& connection : connections_) {
      if (connection.done) continue;
      const linger hard = {1, 0};
      setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      shutdown(connection.fd, SHUT_RD);
      // Wakes up a blocked write, too.
      shutdown(connection.fd, SHUT_WR);
    }
  }
  changed_.notify_all();
  accept_thread_.join();
  // No thread adds connections now.
  for (Connection& connection : connections_) connection.thread.join();
  std::lock_guard<std::mutex> lock(mutex_);
  connections_.clear();
  close(std::exchange(listen_fd_, -1));
}

void ScriptedServer::Restart() {
  Stop();
  Listen();
}

void ScriptedServer::Restart(ScriptedServerOptions options) {
  Stop();
  options_ = std::move(options);
  Listen();
}

void ScriptedServer::AcceptLoop() {
  BlockPipeSignal();
  while (true) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard<std::mutex> lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    ReapConnections();
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    Connection& connection = connections_.emplace_back();
    connection.fd = fd;
    connection.number = ++accepted_;
    connection.thread =
        std::thread([this, &connection] { Serve(&connection); });
    changed_.notify_all();
  }
}

void ScriptedServer::ReapConnections() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    if (it->done) {
      it->thread.join();
      it = connections_.erase(it);
    } else {
      ++it;
    }
  }
}

void ScriptedServer::Serve(Connection* connection) {
  BlockPipeSignal();
  absl::optional<ScriptedAnswer> sabotage;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!sabotages_.empty()) {
      sabotage = std::move(sabotages_.front());
      sabotages_.pop_front();
    }
  }
  {
    ScriptedStream stream(connection->fd);
    if (sabotage.has_value()) {
      if (Perform(*sabotage, stream)) stream.Close(/*with_notify=*/false);
    } else if (tls_ == nullptr || stream.StartTls(tls_.get())) {
      ServeRequests(stream, connection->number);
    } else {
      // An RST would overtake the alert that says why.
      stream.Close(/*with_notify=*/false);
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  close(connection->fd);
  connection->done = true;
  changed_.notify_all();
}

void ScriptedServer::ServeRequests(ScriptedStream& stream, int number) {
  while (absl::optional<std::string> head = stream.ReadHead()) {
    ScriptedRequest request = ParseScriptedRequest(*head);
    request.client_name = stream.PeerName();
    request.tls_server_name = stream.ServerName();
    request.connection = number;
    if (!Perform(AnswerFor(request), stream)) return;
  }
}

ScriptedAnswer ScriptedServer::AnswerFor(const ScriptedRequest& request) {
  std::lock_guard<std::mutex> lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  for (const bool always : {false, true}) {
    for (auto it = rules_.begin(); it != rules_.end(); ++it) {
      if (it->always != always || !it->matcher(request)) continue;
      ScriptedAnswer answer = it->answer;
      if (!always) rules_.erase(it);
      return answer;
    }
  }
  return ScriptedAnswer::Whole(404, "text/plain", "no answer in the script");
}

// False: the connection has ended.
bool ScriptedServer::Perform(const ScriptedAnswer& answer,
                             ScriptedStream& stream) {
  for (const ScriptedAnswer::Step& step : answer.steps()) {
    switch (step.kind) {
      case ScriptedAnswer::Kind::kSend:
        if (!stream.Write(step.text)) return false;
        break;
      case ScriptedAnswer::Kind::kFlood:
        while (stream.Write(step.text)) {
        }
        return false;
      case ScriptedAnswer::Kind::kWait:
        if (!WaitForSignal(step.text, stream)) return false;
        break;
      case ScriptedAnswer::Kind::kSilence:
        WaitForSignal("", stream);
        return false;
      case ScriptedAnswer::Kind::kClose:
      case ScriptedAnswer::Kind::kCut:
        stream.Close(step.kind == ScriptedAnswer::Kind::kClose);
        return false;
      case ScriptedAnswer::Kind::kReset:
        stream.Reset();
        return false;
    }
  }
  return true;
}

// False: the other side has closed, or the server stops.
bool ScriptedServer::WaitForSignal(const std::string& signal,
                                   const ScriptedStream& stream) {
  std::unique_lock<std::mutex> lock(mutex_);
  reached_.insert(signal);
  changed_.notify_all();
  while (!stopping_ && signals_.count(signal) == 0) {
    if (stream.PeerClosed(/*wait_ms=*/0)) return false;
    // Nothing but a look tells of the other side.
    changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  return !stopping_;
}

void ScriptedServer::Answer(Matcher matcher, ScriptedAnswer answer) {
  std::lock_guard<std::mutex> lock(mutex_);
  rules_.push_back({std::move(matcher), std::move(answer), false});
}

void ScriptedServer::AnswerPath(const std::string& path,
                                ScriptedAnswer answer) {
  Answer(
      [path](const ScriptedRequest& request) { return request.path == path; },
      std::move(answer));
}

void ScriptedServer::AnswerNext(ScriptedAnswer answer) {
  Answer([](const ScriptedRequest&) { return true; }, std::move(answer));
}

void ScriptedServer::AlwaysAnswerPath(const std::string& path,
                                      ScriptedAnswer answer) {
  std::lock_guard<std::mutex> lock(mutex_);
  rules_.push_back(
      {[path](const ScriptedRequest& request) { return request.path == path; },
       std::move(answer), true});
}

void ScriptedServer::ForgetAnswers() {
  std::lock_guard<std::mutex> lock(mutex_);
  rules_.clear();
}

void ScriptedServer::SabotageNextConnection(ScriptedAnswer steps) {
  std::lock_guard<std::mutex> lock(mutex_);
  sabotages_.push_back(std::move(steps));
}

void ScriptedServer::GoOn(const std::string& signal) {
  std::lock_guard<std::mutex> lock(mutex_);
  signals_.insert(signal);
  changed_.notify_all();
}

bool ScriptedServer::WaitUntilReached(const std::string& signal) {
  return WaitUntil([&] { return reached_.count(signal) > 0; });
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

bool ScriptedServer::WaitForRequests(size_t count) const {
  return WaitUntil([&] { return requests_.size() >= count; });
}

bool ScriptedServer::WaitForRequest(const Matcher& matcher) const {
  return WaitUntil(
      [&] { return std::any_of(requests_.begin(), requests_.end(), matcher); });
}

int ScriptedServer::connections() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return accepted_;
}

int ScriptedServer::OpenConnections() const {
  return std::count_if(
      connections_.begin(), connections_.end(),
      [](const Connection& connection) { return !connection.done; });
}

int ScriptedServer::open_connections() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return OpenConnections();
}

bool ScriptedServer::WaitForOpenConnections(int count) const {
  return WaitUntil([&] { return OpenConnections() == count; });
}

bool ScriptedServer::WaitUntil(const std::function<bool()>& condition) const {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, kPatience, condition);
}

}  // namespace netpol
