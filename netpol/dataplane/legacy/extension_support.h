// Which matches and targets a kernel knows.
#ifndef NETPOL_DATAPLANE_LEGACY_EXTENSION_SUPPORT_H_
#define NETPOL_DATAPLANE_LEGACY_EXTENSION_SUPPORT_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/chain_editor.h"

namespace netpol {

// The matches and targets that `chains` use and the kernel does not have, such
// as "match set revision 4", each once. Asks the kernel, which may load modules
// to answer; empty if it cannot be asked.
std::vector<std::string> UnsupportedExtensions(
    Family family, absl::Span<const EncodedChain> chains);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_EXTENSION_SUPPORT_H_
