// What a process holds that it should give back.
#ifndef NETPOL_TESTS_EMBED_PROCESS_CENSUS_H_
#define NETPOL_TESTS_EMBED_PROCESS_CENSUS_H_

#include <sys/types.h>

#include <cstdint>
#include <ostream>
#include <set>

namespace netpol {

// Of this process, as of now.
struct ProcessCensus {
  std::set<pid_t> threads;
  std::set<int> files;  // open descriptors
};

ProcessCensus TakeCensus();

// "2 threads; files 0 1 2", with what each file is.
std::ostream& operator<<(std::ostream& os, const ProcessCensus& census);

// Which signals a thread of this process blocks: bit n - 1 is signal n.
uint64_t SignalsBlockedBy(pid_t thread);

}  // namespace netpol

#endif  // NETPOL_TESTS_EMBED_PROCESS_CENSUS_H_
