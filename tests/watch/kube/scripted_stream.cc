#include "tests/watch/kube/scripted_stream.h"

#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace netpol {

bool ScriptedStream::StartTls(SSL_CTX* context) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_);
  return SSL_accept(ssl_) == 1;
}

std::string ScriptedStream::PeerName() const {
  X509* const peer =
      ssl_ == nullptr ? nullptr : SSL_get0_peer_certificate(ssl_);
  if (peer == nullptr) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name,
                            sizeof(name));
  return name;
}

std::string ScriptedStream::ServerName() const {
  const char* const name =
      ssl_ == nullptr ? nullptr
                      : SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

bool ScriptedStream::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const int size = static_cast<int>(bytes.size());
    const int sent =
        ssl_ != nullptr
            ? SSL_write(ssl_, bytes.data(), size)
            : static_cast<int>(send(fd_, bytes.data(), size, MSG_NOSIGNAL));
    if (sent <= 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

int ScriptedStream::Read(char* buffer, int size) {
  if (ssl_ != nullptr) return SSL_read(ssl_, buffer, size);
  return static_cast<int>(recv(fd_, buffer, size, 0));
}

absl::optional<std::string> ScriptedStream::ReadHead() {
  char buffer[4096];
  size_t end;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    const int size = Read(buffer, sizeof(buffer));
    if (size <= 0) return absl::nullopt;
    unread_.append(buffer, size);
  }
  std::string head = unread_.substr(0, end + 4);
  unread_.erase(0, end + 4);
  return head;
}

bool ScriptedStream::PeerClosed(int wait_ms) const {
  pollfd wait = {fd_, POLLRDHUP, 0};
  return poll(&wait, 1, wait_ms) > 0;
}

void ScriptedStream::Close(bool with_notify) {
  if (with_notify && ssl_ != nullptr) SSL_shutdown(ssl_);
  shutdown(fd_, SHUT_WR);
  // Bytes left unread would turn the FIN into an RST.
  const timeval limit = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  char buffer[4096];
  while (recv(fd_, buffer, sizeof(buffer), 0) > 0) {
  }
}

void ScriptedStream::Reset() {
  const linger hard = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

}  // namespace netpol
