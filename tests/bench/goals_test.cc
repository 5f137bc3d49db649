// Every goal is measured by something that exists.
#include "bench/goals.h"

#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/benchmark_results.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

// The names that a program tells when it is asked, as results without figures.
BenchmarkResults BenchmarksOf(const std::string& program) {
  BenchmarkResults benchmarks;
  FILE* output =
      popen(absl::StrCat(program, " --benchmark_list_tests=true").c_str(), "r");
  if (output == nullptr) return benchmarks;
  std::string text;
  std::array<char, 4096> piece;
  while (const size_t size = fread(piece.data(), 1, piece.size(), output))
    text.append(piece.data(), size);
  pclose(output);
  for (absl::string_view name : absl::StrSplit(text, '\n', absl::SkipEmpty()))
    benchmarks[std::string(name)] = {};
  return benchmarks;
}

TEST(GoalsTest, EveryGoalNamesABenchmarkThatExists) {
  std::map<std::string, BenchmarkResults> programs;
  for (const Goal& goal : Goals()) {
    auto [it, inserted] = programs.try_emplace(goal.program);
    if (inserted) it->second = BenchmarksOf(goal.program);
    EXPECT_NE(FindResult(it->second, goal.benchmark), nullptr)
        << goal.program << " has no " << goal.benchmark;
  }
}

TEST(GoalsTest, NamesAreDifferent) {
  std::set<std::string> names;
  for (const Goal& goal : Goals())
    EXPECT_TRUE(names.insert(goal.name).second) << goal.name;
}

}  // namespace
}  // namespace netpol
