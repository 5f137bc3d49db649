// Benchmarks over the named workloads.
#ifndef NETPOL_BENCH_ROOMS_REGISTRATION_H_
#define NETPOL_BENCH_ROOMS_REGISTRATION_H_

#include <string>
#include <vector>

#include "benchmark/benchmark.h"

namespace netpol {

// Both take their time by themselves (UseManualTime).
using WorkloadBenchmark = void (*)(benchmark::State&,
                                   const std::string& workload);
using EventBenchmark = void (*)(benchmark::State&, const std::string& event,
                                const std::string& workload);

// "NAME/WORKLOAD" for S, M and L.
void RegisterWorkloads(const std::string& name, WorkloadBenchmark function,
                       benchmark::TimeUnit unit);

// "NAME/EVENT/WORKLOAD" for each of `events` (WarmCluster::event()) and of
// kEventWorkloads, in microseconds.
void RegisterEvents(const std::string& name, EventBenchmark function,
                    const std::vector<std::string>& events);

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_REGISTRATION_H_
