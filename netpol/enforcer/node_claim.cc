#include "netpol/enforcer/node_claim.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr absl::string_view kName = "netpol-enforcer";
// Of a command line, which may be as long as it likes.
constexpr size_t kShownCommand = 120;
// Of a name that nobody listens on, which lasts a moment.
constexpr int kMaxTries = 20;
constexpr absl::Duration kPause = absl::Milliseconds(5);

struct Address {
  sockaddr_un value = {};
  socklen_t size = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&value);
  }
};

// A name that begins with a zero byte is abstract (unix(7)).
Address ClaimAddress() {
  Address address;
  address.value.sun_family = AF_UNIX;
  std::memcpy(address.value.sun_path + 1, kName.data(), kName.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                        kName.size());
  return address;
}

absl::Status SocketError(int error, absl::string_view step) {
  return absl::ErrnoToStatus(
      error, absl::StrCat(step, " the socket @", kName,
                          ", by which one enforcer knows of another"));
}

class Socket {
 public:
  static absl::StatusOr<Socket> Open() {
    const int file =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) return SocketError(errno, "opening");
    return Socket(file);
  }
  ~Socket() {
    if (file_ >= 0) close(file_);
  }
  Socket(Socket&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  int get() const { return file_; }
  int Release() { return std::exchange(file_, -1); }

 private:
  explicit Socket(int file) : file_(file) {}

  int file_;
};

// The program without its folder, and its arguments.
std::string CommandOf(pid_t process) {
  std::ifstream file(absl::StrCat("/proc/", process, "/cmdline"),
                     std::ios::binary);
  std::string command((std::istreambuf_iterator<char>(file)), {});
  // Its words end with zero bytes each.
  command = absl::StrReplaceAll(command, {{absl::string_view("\0", 1), " "}});
  absl::StripAsciiWhitespace(&command);
  const size_t folder = command.substr(0, command.find(' ')).rfind('/');
  if (folder != std::string::npos) command.erase(0, folder + 1);
  if (command.size() > kShownCommand)
    command = absl::StrCat(command.substr(0, kShownCommand), "…");
  return command;
}

std::string InWords(pid_t process) {
  // 0: of another process namespace, which we cannot see into.
  if (process == 0) return "a process of another container";
  if (process == getpid()) return absl::StrCat("this very process, ", process);
  const std::string command = CommandOf(process);
  return command.empty()
             ? absl::StrCat("process ", process)
             : absl::StrCat("process ", process, " (", command, ")");
}

// Nobody without rights can hold us up.
bool Counts(uid_t user) { return user == 0 || user == geteuid(); }

enum class HolderState : uint8_t {
  kNobody,
  kCounts,
  kCountsNot,
  // So many have asked that no more can. Anybody can bring this about.
  kTooBusy,
};

struct Answer {
  HolderState state = HolderState::kNobody;
  std::string holder;  // in words
};

absl::StatusOr<Answer> Ask() {
  ASSIGN_OR_RETURN(const Socket socket, Socket::Open());
  const Address address = ClaimAddress();
  if (connect(socket.get(), address.get(), address.size) != 0) {
    if (errno == ECONNREFUSED) return Answer{};
    if (errno == EAGAIN) return Answer{HolderState::kTooBusy, ""};
    return SocketError(errno, "asking");
  }
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return SocketError(errno, "asking whose is");
  if (!Counts(peer.uid)) return Answer{HolderState::kCountsNot, ""};
  return Answer{HolderState::kCounts, InWords(peer.pid)};
}

absl::Status Held(absl::string_view holder) {
  return absl::FailedPreconditionError(
      absl::StrCat("network policies are enforced here already, by ", holder,
                   " (it holds the socket @", kName, "); stop that one first"));
}

}  // namespace

absl::StatusOr<absl::optional<std::string>> NodeClaim::Holder() {
  ASSIGN_OR_RETURN(const Answer answer, Ask());
  // Only somebody can be asked too much.
  if (answer.state == HolderState::kTooBusy)
    return absl::optional<std::string>("another process");
  if (answer.state != HolderState::kCounts)
    return absl::optional<std::string>();
  return absl::optional<std::string>(answer.holder);
}

void NodeClaim::LetAskersGo() const {
  if (socket_ < 0) return;
  constexpr int kMostAtOnce = 8192;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const int asker = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (asker < 0) return;
    close(asker);
  }
}

absl::StatusOr<NodeClaim> NodeClaim::Take(WhenUnknown unknown) {
  ASSIGN_OR_RETURN(Socket socket, Socket::Open());
  const Address address = ClaimAddress();
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (bind(socket.get(), address.get(), address.size) == 0) {
      if (listen(socket.get(), SOMAXCONN) != 0)
        return SocketError(errno, "listening on");
      return NodeClaim(socket.Release());
    }
    if (errno != EADDRINUSE) return SocketError(errno, "taking");
    ASSIGN_OR_RETURN(const Answer answer, Ask());
    if (answer.state == HolderState::kCounts) return Held(answer.holder);
    if (answer.state == HolderState::kTooBusy &&
        unknown == WhenUnknown::kRefuse) {
      return Held("another process");
    }
    if (answer.state != HolderState::kNobody) break;
    // It ended just now, or has only half begun.
    absl::SleepFor(kPause);
  }
  return NodeClaim(-1);
}

NodeClaim::~NodeClaim() {
  if (socket_ >= 0) close(socket_);
}

NodeClaim::NodeClaim(NodeClaim&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

NodeClaim& NodeClaim::operator=(NodeClaim&& other) noexcept {
  std::swap(socket_, other.socket_);
  return *this;
}

}  // namespace netpol
