// An explanation for people.
#ifndef NETPOL_DAEMON_EXPLAIN_FORM_H_
#define NETPOL_DAEMON_EXPLAIN_FORM_H_

#include <string>

#include "proto/netpol/explain.pb.h"

namespace netpol {

// The verdict on the first line; below it, for each family, the two sides and
// the kernel. Several lines, with a line end.
std::string TextOf(const v1::Explanation& explanation);

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXPLAIN_FORM_H_
