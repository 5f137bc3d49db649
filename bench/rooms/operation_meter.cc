#include "bench/rooms/operation_meter.h"

#include <time.h>

#include <algorithm>

namespace netpol {

int64_t QuantileOf(std::vector<int64_t> values, double share) {
  if (values.empty()) return 0;
  const auto at =
      std::min(values.size() - 1,
               static_cast<size_t>(static_cast<double>(values.size()) * share));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

int64_t OperationMeter::ThreadCpuNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void OperationMeter::Report(benchmark::State& state, int64_t parts) const {
  if (nanoseconds_.empty()) return;
  const auto each = static_cast<double>(parts);
  const double operations = static_cast<double>(nanoseconds_.size()) * each;
  const auto quantile = [&](const std::vector<int64_t>& of, double share) {
    return static_cast<double>(QuantileOf(of, share)) / 1000 / each;
  };
  state.counters["p50_us"] = quantile(nanoseconds_, 0.5);
  state.counters["p99_us"] = quantile(nanoseconds_, 0.99);
  state.counters["cpu_us"] = quantile(cpu_nanoseconds_, 0.5);
  state.counters["allocations"] =
      static_cast<double>(allocations_.calls) / operations;
  state.counters["allocated_bytes"] =
      static_cast<double>(allocations_.bytes) / operations;
}

}  // namespace netpol
