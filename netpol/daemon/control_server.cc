#include "netpol/daemon/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/control_status.h"

namespace netpol {
namespace {

constexpr size_t kMaxBody = size_t{64} * 1024;
constexpr size_t kThreads = 2;
constexpr time_t kReadSeconds = 5;
constexpr time_t kWriteSeconds = 10;
// The library wants a port, and does not use it here.
constexpr int kNoPort = 80;

// Whether somebody listens to the socket at `path`.
bool Answers(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0;
  close(fd);
  return connected;
}

// Makes room for a socket at `path`.
absl::Status Clear(const std::string& path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("control socket \"", path, "\": a path from 1 to ",
                     sizeof(sockaddr_un::sun_path) - 1, " bytes is needed"));
  }
  std::error_code ignored;  // bind() is going to say it
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directory(folder, ignored);
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) return absl::OkStatus();
  if (!S_ISSOCK(found.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "control socket ", path, ": something else is there; remove it"));
  }
  if (Answers(path)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "control socket ", path, ": another daemon listens there"));
  }
  unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace

struct ControlServer::Listener {
  std::string path;
  httplib::Server server;
  std::thread thread;

  void Route(const std::string& route, ControlHandler handler) {
    server.Post(
        route, [handler = std::move(handler)](const httplib::Request& request,
                                              httplib::Response& response) {
          const absl::StatusOr<std::string> reply = handler(request.body);
          response.status = HttpStatusOf(reply.status().code());
          if (reply.ok()) {
            response.set_content(*reply, "application/json");
          } else {
            response.set_content(std::string(reply.status().message()),
                                 "text/plain");
          }
        });
  }

  absl::Status Bind() {
    server.set_address_family(AF_UNIX);
    server.set_payload_max_length(kMaxBody);
    server.set_read_timeout(kReadSeconds);
    server.set_write_timeout(kWriteSeconds);
    server.set_keep_alive_max_count(1);
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // Never open to others, not even for a moment.
    const mode_t mask = umask(0177);
    errno = 0;
    const bool bound = server.bind_to_port(path, kNoPort);
    const int error = errno;
    umask(mask);
    if (bound) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "control socket ", path, ": cannot listen: ", strerror(error)));
  }

  // Returns when connections are taken, since an earlier stop() has no effect.
  absl::Status Listen() {
    thread = std::thread([this] {
      try {
        server.listen_after_bind();
      } catch (const std::exception&) {
        // No more threads, no more memory: nobody is answered any more.
      }
    });
    for (int i = 0; i < 5000; ++i) {
      if (server.is_running()) return absl::OkStatus();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return absl::UnavailableError(
        absl::StrCat("control socket ", path, ": the server does not start"));
  }

  void End() {
    server.stop();
    if (thread.joinable()) thread.join();
    unlink(path.c_str());
  }
};

ControlServer::ControlServer(std::unique_ptr<Listener> listener)
    : listener_(std::move(listener)) {}

ControlServer::~ControlServer() { listener_->End(); }

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(
    const std::string& path,
    const absl::btree_map<std::string, ControlHandler>& handlers) {
  RETURN_IF_ERROR(Clear(path));
  auto listener = std::make_unique<Listener>();
  listener->path = path;
  for (const auto& [route, handler] : handlers) listener->Route(route, handler);
  RETURN_IF_ERROR(listener->Bind());
  auto server = absl::WrapUnique(new ControlServer(std::move(listener)));
  RETURN_IF_ERROR(server->listener_->Listen());
  return server;
}

}  // namespace netpol
