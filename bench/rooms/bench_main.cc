#include "bench/rooms/bench_main.h"

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/engine/bench_network.h"
#include "benchmark/benchmark.h"

namespace netpol {

int RunBenchmarks(int argc, char** argv, double seconds) {
  // The later of two flags counts.
  std::string min_time = absl::StrCat("--benchmark_min_time=", seconds);
  std::vector<char*> arguments = {argv[0], min_time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

int RunBenchmarksAsRoot(int argc, char** argv, double seconds) {
  const auto network = BenchNetwork::Enter();
  if (!network.ok()) {
    std::cerr << argv[0] << ": " << network.status().message() << "\n";
    return 1;
  }
  return RunBenchmarks(argc, argv, seconds);
}

}  // namespace netpol
