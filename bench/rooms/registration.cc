#include "bench/rooms/registration.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/rooms/warm_cluster.h"

namespace netpol {

void RegisterWorkloads(const std::string& name, WorkloadBenchmark function,
                       benchmark::TimeUnit unit) {
  for (const char* workload : {"S", "M", "L"}) {
    benchmark::RegisterBenchmark(absl::StrCat(name, "/", workload).c_str(),
                                 function, std::string(workload))
        ->UseManualTime()
        ->Unit(unit);
  }
}

void RegisterEvents(const std::string& name, EventBenchmark function,
                    const std::vector<std::string>& events) {
  for (const std::string& event : events) {
    for (const char* workload : kEventWorkloads) {
      benchmark::RegisterBenchmark(
          absl::StrCat(name, "/", event, "/", workload).c_str(), function,
          event, std::string(workload))
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace netpol
