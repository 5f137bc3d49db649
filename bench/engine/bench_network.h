// Network namespaces, and an xtables lock, of a benchmark's own.
#ifndef NETPOL_BENCH_ENGINE_BENCH_NETWORK_H_
#define NETPOL_BENCH_ENGINE_BENCH_NETWORK_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace netpol {

// Thread-hostile: it is about the thread that calls, and threads that this one
// starts later.
class BenchNetwork {
 public:
  // Moves the calling thread into an empty network namespace, and makes this
  // process use a lock file of its own. PermissionDenied without root.
  static absl::StatusOr<std::unique_ptr<BenchNetwork>> Enter();

  // Removes the lock file; the namespace ends with its last socket.
  ~BenchNetwork();
  BenchNetwork(const BenchNetwork&) = delete;
  BenchNetwork& operator=(const BenchNetwork&) = delete;

 private:
  explicit BenchNetwork(std::string lock) : lock_(std::move(lock)) {}

  std::string lock_;
};

// Moves the calling thread into another empty network namespace.
absl::Status EnterFreshNetwork();

// A main() for benchmarks of the real kernel: runs those that are registered,
// in a BenchNetwork. 1 when that cannot be had.
int RunBenchmarksInNetwork(int argc, char** argv);

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_BENCH_NETWORK_H_
