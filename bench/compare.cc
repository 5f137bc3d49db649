// Runs every benchmark that a goal names and prints the table of results. Needs
// root: the benchmarks make network namespaces of their own.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bench/benchmark_results.h"
#include "bench/comparison.h"
#include "bench/goals.h"

namespace netpol {
namespace {

// Runs the program with its standard output on ours. Waits for it.
absl::Status Run(const std::string& program,
                 const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(strerror(errno));
  if (pid == 0) {
    execv(program.c_str(), argv.data());
    std::cerr << program << ": " << strerror(errno) << "\n";
    _exit(127);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      program, " ended with ",
      WIFEXITED(status) ? absl::StrCat(WEXITSTATUS(status))
                        : absl::StrCat("signal ", WTERMSIG(status))));
}

// Runs the benchmarks of one program that `goals` name.
absl::StatusOr<BenchmarkResults> Measure(const std::string& program,
                                         const std::vector<Goal>& goals) {
  std::vector<std::string> names;
  for (const Goal& goal : goals) names.push_back(goal.benchmark);
  char out[] = "/tmp/netpol_compare.XXXXXX";
  const int fd = mkstemp(out);
  if (fd < 0)
    return absl::InternalError(absl::StrCat(out, ": ", strerror(errno)));
  close(fd);
  absl::Status status =
      Run(program, {absl::StrCat("--benchmark_filter=^(",
                                 absl::StrJoin(names, "|"), ")(/|$)"),
                    absl::StrCat("--benchmark_out=", out),
                    "--benchmark_out_format=json"});
  std::ifstream file(out);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  unlink(out);
  if (!status.ok()) return status;
  return ParseBenchmarkResults(json);
}

std::vector<ComparisonLine> CompareAll(const std::string& only) {
  std::map<std::string, std::vector<Goal>> of_program;
  std::vector<std::string> programs;  // in the order of the goals
  for (const Goal& goal : Goals()) {
    if (!absl::StrContains(goal.program, only)) continue;
    std::vector<Goal>& goals = of_program[goal.program];
    if (goals.empty()) programs.push_back(goal.program);
    goals.push_back(goal);
  }
  std::vector<ComparisonLine> lines;
  for (const std::string& program : programs) {
    std::cerr << "---- " << program << "\n";
    absl::StatusOr<BenchmarkResults> results =
        Measure(program, of_program[program]);
    for (const Goal& goal : of_program[program]) {
      lines.push_back(
          Compare(goal, results.ok() ? *results : BenchmarkResults()));
      if (!results.ok())
        lines.back().problem = std::string(results.status().message());
    }
  }
  return lines;
}

int Main(const std::string& json_path, const std::string& only) {
  if (geteuid() != 0) {
    std::cerr
        << "compare: needs root: the benchmarks make network namespaces\n";
    return 1;
  }
  // Before an hour of work, not after it.
  std::ofstream json;
  if (!json_path.empty()) {
    json.open(json_path);
    if (!json) {
      std::cerr << "compare: cannot write " << json_path << ": "
                << strerror(errno) << "\n";
      return 1;
    }
  }
  const std::vector<ComparisonLine> lines = CompareAll(only);
  std::cout << TableOf(lines);
  if (json.is_open()) {
    json << JsonOf(lines);
    json.close();
  }
  bool measured = !lines.empty();
  for (const ComparisonLine& line : lines)
    measured = measured && line.problem.empty();
  return measured && !json.fail() ? 0 : 1;
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  std::string json;
  std::string only;
  try {
    CLI::App app(
        "Runs the benchmarks and compares them with what is to be reached. "
        "Ends with 0 if everything could be measured, whether it was reached "
        "or not.");
    app.add_option("--json", json, "also write the results to this file");
    app.add_option("--only", only,
                   "only the programs that have this in their path");
    CLI11_PARSE(app, argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "compare: " << error.what() << "\n";
    return 1;
  }
  // `bazel run` starts us among the programs; files are named from where the
  // user stands.
  const char* where = getenv("BUILD_WORKING_DIRECTORY");
  if (!json.empty() && json.front() != '/' && where != nullptr)
    json = absl::StrCat(where, "/", json);
  return netpol::Main(json, only);
}
