// What Linux and its front ends refuse in one rule, looked at alone.
#ifndef NETPOL_TESTING_RULE_CHECK_H_
#define NETPOL_TESTING_RULE_CHECK_H_

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// InvalidArgument, with the reason and the rule's text, for a rule that no
// kernel would take or that would not read back as it was written: an address
// of the other family, ports without a protocol that has them, too many ports,
// an ICMP type without ICMP, a limit of nothing, a comment or log prefix that
// is too long, a rule that a reader marked foreign. Sets and chains that it
// names are not looked at.
absl::Status CheckRule(Family family, const Rule& rule);

}  // namespace netpol

#endif  // NETPOL_TESTING_RULE_CHECK_H_
