// Flags of benchmark programs beside those of the library.
#ifndef NETPOL_BENCH_ENGINE_INT_FLAG_H_
#define NETPOL_BENCH_ENGINE_INT_FLAG_H_

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace netpol {

// The value of `--name=N`, which is taken out of the arguments; `otherwise`
// without it. What is no number stays, for somebody else to complain about.
inline int TakeIntFlag(absl::string_view name, int otherwise, int& argc,
                       char** argv) {
  int value = otherwise;
  char** const end = std::remove_if(argv + 1, argv + argc, [&](char* argument) {
    absl::string_view text = argument;
    return absl::ConsumePrefix(&text, absl::StrCat("--", name, "=")) &&
           absl::SimpleAtoi(text, &value);
  });
  argc = static_cast<int>(end - argv);
  return value;
}

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_INT_FLAG_H_
