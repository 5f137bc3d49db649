// Rule ↔ the parts of an entry of table `filter`, both families.
#ifndef NETPOL_DATAPLANE_LEGACY_ENTRY_CODEC_H_
#define NETPOL_DATAPLANE_LEGACY_ENTRY_CODEC_H_

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/rules/rule.h"

namespace netpol {

// The entry that iptables-legacy makes of `rule`'s text. A prefix of length 0
// is no condition and is left out. InvalidArgument, with the rule's text, for
// what the kernel would read as something else: a protocol number of 0, an
// address of the other family, ports without protocol, a foreign rule.
// NotFound for a set that does not exist.
absl::StatusOr<EntryParts> EncodeRule(const Rule& rule, Family family,
                                      SetIndex& sets);

// The rule that EncodeRule makes exactly `parts` of; if there is none, a rule
// with `foreign` set and whatever was understood.
Rule DecodeRule(const EntryParts& parts, Family family, SetIndex& sets);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_ENTRY_CODEC_H_
