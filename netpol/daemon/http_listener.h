// A small HTTP server for a few pages that anybody may read.
#ifndef NETPOL_DAEMON_HTTP_LISTENER_H_
#define NETPOL_DAEMON_HTTP_LISTENER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"

namespace netpol {

struct HttpPage {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Called on threads of the listener, by four at once at most.
using HttpPageMaker = std::function<HttpPage()>;

// Answers GET and HEAD until its end, which waits for the requests that are
// being answered. Whoever connects may be anybody: a request has 16 KiB and 2
// seconds, its reply 10, a connection is for one request, and when too many
// wait no more are taken. Thread-compatible.
class HttpListener {
 public:
  // `pages` by path. `address` is an address or a name of this machine; empty
  // for all addresses of both families. Port 0 is any that is free.
  // Unavailable if it cannot listen there; the message names address, port and
  // cause.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      const std::string& address, int port,
      absl::btree_map<std::string, HttpPageMaker> pages);

  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // On which it listens.
  int port() const;

 private:
  struct Server;

  explicit HttpListener(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_HTTP_LISTENER_H_
