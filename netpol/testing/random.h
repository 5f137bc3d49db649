// Random numbers that mean the same on every machine: the engine is fixed by
// the C++ standard, and the distributions, which are not, are written out here.
#ifndef NETPOL_TESTING_RANDOM_H_
#define NETPOL_TESTING_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace netpol {

// Draw in separate statements: C++ leaves the order of calls inside an argument
// list or an expression open, and the stream with it.
//
// Thread-compatible.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // Evenly in [0, bound); `bound` > 0. The error of the remainder is below
  // bound / 2^64.
  uint64_t Below(uint64_t bound) { return engine_() % bound; }

  // Evenly in [low, high].
  int Between(int low, int high) {
    return low + static_cast<int>(Below(static_cast<uint64_t>(high - low) + 1));
  }

  // True in `percent` of 100 cases.
  bool Chance(int percent) { return Between(0, 99) < percent; }

  // One of a list that is not empty; refers into it.
  template <typename T>
  const T& Pick(const std::vector<T>& list) {
    return list[static_cast<size_t>(Below(list.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_H_
