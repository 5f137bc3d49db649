#include "netpol/daemon/http_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/bounded_stream.h"

namespace netpol {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kMostInHand = 16;  // that are answered, and that wait

// Threads that take as many connections as they can answer soon. The rest waits
// with the kernel, which has a limit of its own.
class BoundedQueue : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      room_.wait(lock, [this] { return in_hand_ < kMostInHand; });
      ++in_hand_;
    }
    pool_.enqueue([this, task = std::move(task)] {
      task();
      const std::lock_guard<std::mutex> lock(mutex_);
      --in_hand_;
      room_.notify_one();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  size_t in_hand_ = 0;
  httplib::ThreadPool pool_{kThreads};
};

// The library's own options would share the port with whoever comes later.
void SetSocketOptions(socket_t socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Of no effect on a socket of IPv4.
  const int off = 0;
  setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

std::string Place(const std::string& address, int port) {
  return absl::StrCat(address.empty() ? "all addresses" : address, " port ",
                      port);
}

}  // namespace

struct HttpListener::Server : public httplib::Server {
  absl::btree_map<std::string, HttpPageMaker> pages;
  int port = 0;
  std::thread thread;

  Server();
  absl::Status Bind(const std::string& address, int wanted_port);
  absl::Status Listen(const std::string& address);
  void End();

 private:
  bool process_and_close_socket(socket_t socket) override;
  void Answer(const httplib::Request& request,
              httplib::Response& response) const;
};

HttpListener::Server::Server() {
  // Before any routing, whose patterns are regular expressions.
  set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        Answer(request, response);
        return HandlerResponse::Handled;
      });
  set_socket_options(SetSocketOptions);
  new_task_queue = [] { return new BoundedQueue; };
}

void HttpListener::Server::Answer(const httplib::Request& request,
                                  httplib::Response& response) const {
  HttpPage page;
  const auto it = pages.find(request.path);
  if (it == pages.end()) {
    page.status = 404;
    page.body = "Not found; there is:\n";
    for (const auto& [path, maker] : pages)
      absl::StrAppend(&page.body, path, "\n");
  } else if (request.method != "GET" && request.method != "HEAD") {
    page.status = 405;
    page.body = "Only GET and HEAD\n";
    response.set_header("Allow", "GET, HEAD");
  } else {
    page = it->second();
  }
  response.status = page.status;
  response.set_content(page.body, page.content_type);
}

bool HttpListener::Server::process_and_close_socket(socket_t socket) {
  bool answered = false;
  // Those that still waited when the server was stopped are let go.
  if (svr_sock_ != INVALID_SOCKET) {
    try {
      BoundedStream stream(socket, StreamLimits());
      bool closed = false;
      answered = process_request(
          stream, /*close_connection=*/true, closed,
          // A page as a thousand overlapping parts is nobody's need.
          [](httplib::Request& request) { request.ranges.clear(); });
    } catch (const std::exception&) {
      // No memory for this one.
    }
  }
  ::shutdown(socket, SHUT_RDWR);
  close(socket);
  return answered;
}

absl::Status HttpListener::Server::Bind(const std::string& address,
                                        int wanted_port) {
  // "::" takes both families, where there is IPv6.
  const std::vector<std::string> hosts =
      address.empty() ? std::vector<std::string>{"::", "0.0.0.0"}
                      : std::vector<std::string>{address};
  int error = 0;
  for (const std::string& host : hosts) {
    errno = 0;
    if (wanted_port == 0) {
      port = bind_to_any_port(host);
      if (port > 0) return absl::OkStatus();
    } else if (bind_to_port(host, wanted_port)) {
      port = wanted_port;
      return absl::OkStatus();
    }
    error = errno;
    if (error == EADDRINUSE || error == EACCES) break;
  }
  return absl::UnavailableError(absl::StrCat(
      "listening for HTTP at ", Place(address, wanted_port), ": ",
      error == 0 ? "no such address here" : strerror(error),
      error == EADDRINUSE ? "; another program listens there, perhaps "
                            "kube-router: end it or choose another port"
                          : ""));
}

absl::Status HttpListener::Server::Listen(const std::string& address) {
  thread = std::thread([this] {
    try {
      listen_after_bind();
    } catch (const std::exception&) {
      // No more threads, no more memory: nobody is answered any more.
    }
  });
  // An earlier stop() has no effect.
  for (int i = 0; i < 5000; ++i) {
    if (is_running()) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return absl::UnavailableError(absl::StrCat("listening for HTTP at ",
                                             Place(address, port),
                                             ": the server does not start"));
}

void HttpListener::Server::End() {
  stop();
  if (thread.joinable()) thread.join();
}

HttpListener::HttpListener(std::unique_ptr<Server> server)
    : server_(std::move(server)) {}

HttpListener::~HttpListener() { server_->End(); }

int HttpListener::port() const { return server_->port; }

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(
    const std::string& address, int port,
    absl::btree_map<std::string, HttpPageMaker> pages) {
  auto server = std::make_unique<Server>();
  server->pages = std::move(pages);
  RETURN_IF_ERROR(server->Bind(address, port));
  auto listener = absl::WrapUnique(new HttpListener(std::move(server)));
  RETURN_IF_ERROR(listener->server_->Listen(address));
  return listener;
}

}  // namespace netpol
