// The programs with which everybody else changes and looks at a node's rules.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_NODE_PROGRAMS_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_NODE_PROGRAMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// As "ip6tables-nft-save"; `suffix` is empty, "-save" or "-restore".
std::string TablesProgram(Flavour flavour, Family family,
                          absl::string_view suffix = "");

// What the program wrote. Internal, with what it said, unless it ended with 0.
absl::StatusOr<std::string> RunOn(const NetNs& ns,
                                  const std::vector<std::string>& argv,
                                  const std::string& input = "");

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_NODE_PROGRAMS_H_
