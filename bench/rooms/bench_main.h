// What the main functions of the benchmark programs share.
#ifndef NETPOL_BENCH_ROOMS_BENCH_MAIN_H_
#define NETPOL_BENCH_ROOMS_BENCH_MAIN_H_

namespace netpol {

// Runs what is registered as the command line says; returns the exit code.
// Where it does not say how long, an operation is repeated for
// `seconds` of its own time: these loops spend many times that on setting up
// and taking back.
int RunBenchmarks(int argc, char** argv, double seconds);

// The same in a BenchNetwork; 1 when that cannot be had.
int RunBenchmarksAsRoot(int argc, char** argv, double seconds);

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_BENCH_MAIN_H_
