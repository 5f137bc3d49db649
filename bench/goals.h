// What is to be reached, and where it is measured.
#ifndef NETPOL_BENCH_GOALS_H_
#define NETPOL_BENCH_GOALS_H_

#include <string>
#include <vector>


namespace netpol {

// One line of the table of results.
struct Goal {
  enum class Of { kOurs, kRatio };
  enum class Bound { kAtMost, kAtLeast };

  std::string name;
  // The benchmark program below bench/, and the benchmark in it: its name up to
  // a further part such as "/iterations:1".
  std::string program;
  std::string benchmark;
  // Counters: our figure; what the kernel (or the yardstick) needs for the
  // same, if there is such; and ratio, if the program forms it better than
  // ours / floor.
  std::string ours;
  std::string unit;
  std::string floor = "";
  std::string ratio = "";
  Of of = Of::kOurs;
  Bound bound = Bound::kAtMost;
  double limit = 0;
};

// In the order in which they are shown; those of one program stand together.
const std::vector<Goal>& Goals();

}  // namespace netpol

#endif  // NETPOL_BENCH_GOALS_H_
