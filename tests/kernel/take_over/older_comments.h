// The comments that kube-router wrote before v2.11.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_OLDER_COMMENTS_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_OLDER_COMMENTS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace netpol {

// `line`, a rule in the input of iptables-restore, with the longer comment of
// before; lines that were the same then are given back as they are.
std::string WithOlderComment(absl::string_view line);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_OLDER_COMMENTS_H_
