// Servers and clients on real sockets, inside the lab's namespaces.
#ifndef NETPOL_TESTS_KERNEL_LAB_LAB_SERVER_H_
#define NETPOL_TESTS_KERNEL_LAB_LAB_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// Answers every TCP connection, or every UDP datagram, with one text. Has a
// thread of its own, which ends with this object.
class LabServer {
 public:
  // Makes the text, for the address that the client has here. Runs in the
  // server's thread, which is in its namespace.
  using Answer = std::function<std::string(const IpAddress& client)>;

  // At an address that `ns` has. `protocol` is IPPROTO_TCP or IPPROTO_UDP.
  static absl::StatusOr<std::unique_ptr<LabServer>> Start(const NetNs& ns,
                                                          const IpAddress& at,
                                                          uint8_t protocol,
                                                          uint16_t port,
                                                          Answer answer);

  LabServer(const LabServer&) = delete;
  LabServer& operator=(const LabServer&) = delete;
  ~LabServer();

  // How many connections or datagrams there were.
  int calls() const { return calls_; }

 private:
  LabServer(FileDescriptor socket, FileDescriptor stop, uint8_t protocol,
            Answer answer);

  void Serve();
  void AnswerTcp();
  void AnswerUdp();

  FileDescriptor socket_;
  FileDescriptor stop_;
  uint8_t protocol_;
  Answer answer_;
  std::atomic<int> calls_ = 0;
  std::thread thread_;
};

enum class CallOutcome {
  kAnswered,
  kRefused,  // by the peer, or by a rule that says so
  kSilent,
};

std::ostream& operator<<(std::ostream& os, CallOutcome outcome);

struct CallSpec {
  IpAddress destination;
  uint16_t port = 0;
  uint8_t protocol = 0;                     // IPPROTO_TCP or IPPROTO_UDP
  absl::optional<IpAddress> source;         // else as the kernel chooses
  absl::Duration limit = absl::Seconds(3);  // for all of it
};

struct CallResult {
  CallOutcome outcome = CallOutcome::kSilent;
  std::string text;  // all that came
};

// Calls a server from `ns`, as any program would.
absl::StatusOr<CallResult> Call(const NetNs& ns, const CallSpec& spec);

// The same from the namespace that the calling thread is in.
absl::StatusOr<CallResult> CallFromHere(const CallSpec& spec);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LAB_SERVER_H_
