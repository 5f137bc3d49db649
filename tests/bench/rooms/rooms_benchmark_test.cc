// The benchmarks of the rooms run on a small workload, and tell their figures.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/bench/rooms/benchmark_run.h"

namespace netpol {
namespace {

struct Program {
  std::string name;
  std::string filter;
  size_t benchmarks = 0;  // that match the filter
};

class RoomsBenchmarkTest : public testing::TestWithParam<Program> {};

TEST_P(RoomsBenchmarkTest, TellsTimeAndAllocationsOfEveryBenchmark) {
  const auto lines =
      RunBenchmarkProgram(GetParam().name, GetParam().filter,
                          {"p50_us", "p99_us", "allocations", "cpu_us"});
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ(lines->size(), GetParam().benchmarks);
  for (const BenchmarkLine& line : *lines) {
    EXPECT_EQ(line.error, "") << line.name;
    EXPECT_GT(line.counters[0], 0) << line.name;
    EXPECT_GE(line.counters[1], line.counters[0]) << line.name;
    EXPECT_GE(line.counters[2], 0) << line.name;
    EXPECT_GT(line.counters[3], 0) << line.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Programs, RoomsBenchmarkTest,
    testing::Values(Program{"parse_benchmark", ".*", 7},
                    Program{"state_benchmark", "/S/manual_time", 12},
                    Program{"compile_benchmark", "/S/manual_time", 12},
                    Program{"sync_benchmark", "/S/manual_time", 14},
                    Program{"render_benchmark", "/S/manual_time", 3}),
    [](const testing::TestParamInfo<Program>& info) {
      return info.param.name;
    });

}  // namespace
}  // namespace netpol
