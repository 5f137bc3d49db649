// Where the programs are that the yardstick runs.
#ifndef NETPOL_BENCH_YARDSTICK_YARDSTICK_PROGRAMS_H_
#define NETPOL_BENCH_YARDSTICK_YARDSTICK_PROGRAMS_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

inline constexpr char kIpsetProgram[] = "/usr/sbin/ipset";

// `suffix` is empty, "-save" or "-restore".
inline std::string FilterProgram(Family family, absl::string_view suffix) {
  return absl::StrCat("/usr/sbin/",
                      family == Family::kIPv4 ? "iptables" : "ip6tables",
                      "-legacy", suffix);
}

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_YARDSTICK_PROGRAMS_H_
