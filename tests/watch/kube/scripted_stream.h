// One connection of a ScriptedServer: TLS or bare TCP, ended in every way.
#ifndef NETPOL_TESTS_WATCH_KUBE_SCRIPTED_STREAM_H_
#define NETPOL_TESTS_WATCH_KUBE_SCRIPTED_STREAM_H_

#include <openssl/ssl.h>

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace netpol {

// Blocks; for one thread. The descriptor stays the caller's.
class ScriptedStream {
 public:
  explicit ScriptedStream(int fd) : fd_(fd) {}
  ~ScriptedStream() { SSL_free(ssl_); }
  ScriptedStream(const ScriptedStream&) = delete;
  ScriptedStream& operator=(const ScriptedStream&) = delete;

  // False: no handshake.
  bool StartTls(SSL_CTX* context);
  // Common name of the other side's certificate; empty: none.
  std::string PeerName() const;

  // The name that the other side asked for (SNI); empty: none.
  std::string ServerName() const;

  bool Write(absl::string_view bytes);
  // Up to and with the next empty line; nothing at the end of the connection.
  absl::optional<std::string> ReadHead();

  // True once the other side has closed, waiting at most this long for it.
  bool PeerClosed(int wait_ms) const;

  void Close(bool with_notify);  // FIN, and waits a moment for the other's.
  void Reset();                  // RST as soon as the descriptor is closed.

 private:
  int Read(char* buffer, int size);

  const int fd_;
  SSL* ssl_ = nullptr;
  std::string unread_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_WATCH_KUBE_SCRIPTED_STREAM_H_
