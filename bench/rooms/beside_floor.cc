#include "bench/rooms/beside_floor.h"

#include "absl/time/time.h"
#include "bench/rooms/operation_meter.h"

namespace netpol {
namespace {

double MedianMicroseconds(const std::vector<int64_t>& nanoseconds) {
  return static_cast<double>(QuantileOf(nanoseconds, 0.5)) / 1000;
}

}  // namespace

void BesideFloor::Samples::Add(const Cost& cost) {
  cpu.push_back(absl::ToInt64Nanoseconds(cost.cpu));
  wall.push_back(absl::ToInt64Nanoseconds(cost.wall));
}

void BesideFloor::Add(const Cost& ours, const Cost& floor,
                      benchmark::State& state) {
  ours_.Add(ours);
  floor_.Add(floor);
  state.SetIterationTime(absl::ToDoubleSeconds(ours.wall));
}

void BesideFloor::Report(benchmark::State& state) const {
  const double ours = MedianMicroseconds(ours_.cpu);
  const double floor = MedianMicroseconds(floor_.cpu);
  if (floor == 0) return;
  state.counters["kernel_us"] = ours;
  state.counters["floor_us"] = floor;
  state.counters["ratio"] = ours / floor;
  state.counters["wall_us"] = MedianMicroseconds(ours_.wall);
  state.counters["wall_floor_us"] = MedianMicroseconds(floor_.wall);
}

}  // namespace netpol
