#include "bench/engine/bench_network.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"

namespace netpol {

absl::StatusOr<std::unique_ptr<BenchNetwork>> BenchNetwork::Enter() {
  RETURN_IF_ERROR(EnterFreshNetwork());
  // The host's lock is for the host's tables.
  std::string lock = "/tmp/netpol_benchmark.XXXXXX";
  const int fd = mkstemp(lock.data());
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a lock file in /tmp: ", strerror(errno)));
  }
  close(fd);
  setenv("XTABLES_LOCKFILE", lock.c_str(), 1);
  return std::unique_ptr<BenchNetwork>(new BenchNetwork(std::move(lock)));
}

BenchNetwork::~BenchNetwork() { unlink(lock_.c_str()); }

absl::Status EnterFreshNetwork() {
  if (unshare(CLONE_NEWNET) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "cannot make a network namespace: ", strerror(errno), "; needs root"));
}

int RunBenchmarksInNetwork(int argc, char** argv) {
  const auto network = BenchNetwork::Enter();
  if (!network.ok()) {
    std::cerr << argv[0] << ": " << network.status().message() << "\n";
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace netpol
