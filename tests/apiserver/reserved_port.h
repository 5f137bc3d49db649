// A port that stays ours while the program that uses it comes and goes.
#ifndef NETPOL_TESTS_APISERVER_RESERVED_PORT_H_
#define NETPOL_TESTS_APISERVER_RESERVED_PORT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// A free port of 127.0.0.1 in one network namespace, held by a socket that is
// bound to it but does not listen, with SO_REUSEADDR: a server that sets it too
// (Go's do) may listen there, again and again, and nobody else is given the
// port meanwhile (socket(7)).
class ReservedPort {
 public:
  static absl::StatusOr<ReservedPort> Create(const NetNs& ns);

  uint16_t number() const { return number_; }

 private:
  ReservedPort(FileDescriptor socket, uint16_t number)
      : socket_(std::move(socket)), number_(number) {}

  FileDescriptor socket_;
  uint16_t number_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_RESERVED_PORT_H_
