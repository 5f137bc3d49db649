// The benchmarks of the dataplane's calls run on the real kernel, with their
// floor beside them.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/bench/rooms/benchmark_run.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

class KernelBenchmarkTest : public LabFixture {
 protected:
  // Every benchmark that `filter` matches has run, and has told all of
  // `counters`.
  static void ExpectFigures(const std::string& program,
                            const std::string& filter, size_t benchmarks,
                            const std::vector<std::string>& counters) {
    const auto lines = RunBenchmarkProgram(program, filter, counters);
    ASSERT_TRUE(lines.ok()) << lines.status();
    EXPECT_EQ(lines->size(), benchmarks);
    for (const BenchmarkLine& line : *lines) {
      EXPECT_EQ(line.error, "") << line.name;
      for (size_t i = 0; i < counters.size(); ++i)
        EXPECT_GT(line.counters[i], 0) << line.name << " " << counters[i];
    }
  }
};

TEST_F(KernelBenchmarkTest, SetCallsStandBesideRawNetlink) {
  ExpectFigures("set_benchmark", "/(1|100)/", 12,
                {"kernel_us", "floor_us", "ratio", "wall_us", "wall_floor_us"});
}

TEST_F(KernelBenchmarkTest, TableCallsStandBesideBareLibiptc) {
  ExpectFigures("table_benchmark", "BM_(CommitTable|ReadTable)/(100|1000)/", 4,
                {"kernel_us", "floor_us", "ratio", "wall_us", "wall_floor_us"});
}

TEST_F(KernelBenchmarkTest, NftTableCallsStandBesideABareRestore) {
  ExpectFigures("table_benchmark", "BM_CommitNftTable/100/", 1,
                {"wall_us", "wall_floor_us"});
}

TEST_F(KernelBenchmarkTest, EntriesAreMadeAndReadBack) {
  ExpectFigures("entry_benchmark", "/S/", 2, {"p50_us", "allocations"});
}

}  // namespace
}  // namespace netpol
