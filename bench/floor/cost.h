// What a piece of work costs the thread that does it.
#ifndef NETPOL_BENCH_FLOOR_COST_H_
#define NETPOL_BENCH_FLOOR_COST_H_

#include "absl/time/time.h"

namespace netpol {

struct Cost {
  absl::Duration wall;
  // CPU time of the thread, in user space and in the kernel on its behalf: what
  // other programs take meanwhile is not in it.
  absl::Duration cpu;

  Cost& operator+=(const Cost& other) {
    wall += other.wall;
    cpu += other.cpu;
    return *this;
  }
  friend Cost operator+(Cost a, const Cost& b) { return a += b; }
  friend Cost operator-(const Cost& a, const Cost& b) {
    return {a.wall - b.wall, a.cpu - b.cpu};
  }
};

// Runs from its construction, for the thread that constructed it. Reading it
// costs about a microsecond, half of which is in the reading.
class CostWatch {
 public:
  CostWatch() : begin_(Now()) {}

  Cost Elapsed() const { return Now() - begin_; }

 private:
  static Cost Now();

  Cost begin_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_FLOOR_COST_H_
