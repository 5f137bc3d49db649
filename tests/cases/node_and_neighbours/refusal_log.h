// What the kernel logs to a group of NFLOG.
#ifndef NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_REFUSAL_LOG_H_
#define NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_REFUSAL_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

struct nl_sock;

namespace netpol {

struct LoggedPacket {
  std::string prefix;
  IpAddress source;  // Of an IPv4 packet.
  IpAddress destination;
};

// Hears one group in the network namespace of the thread that opens it.
// Thread-compatible.
class RefusalLog {
 public:
  static absl::StatusOr<std::unique_ptr<RefusalLog>> Open(uint16_t group);

  RefusalLog(const RefusalLog&) = delete;
  RefusalLog& operator=(const RefusalLog&) = delete;
  ~RefusalLog();

  // What was logged since it was last asked, without waiting: the kernel hands
  // each packet over at once.
  absl::StatusOr<std::vector<LoggedPacket>> Take();

 private:
  explicit RefusalLog(nl_sock* socket) : socket_(socket) {}

  absl::Status Configure(uint16_t group);

  nl_sock* socket_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_REFUSAL_LOG_H_
