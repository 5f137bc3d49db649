// What a program asks the heap for. Linking this replaces operator new and
// operator delete of the whole program.
#ifndef NETPOL_BENCH_ROOMS_ALLOCATION_COUNT_H_
#define NETPOL_BENCH_ROOMS_ALLOCATION_COUNT_H_

#include <cstdint>

namespace netpol {

struct AllocationCount {
  int64_t calls = 0;  // of operator new
  int64_t bytes = 0;  // asked for, without what the heap adds
};

// Of the calling thread, since it began. What C libraries take by malloc() is
// not in it.
AllocationCount AllocationsOfThisThread();

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_ALLOCATION_COUNT_H_
