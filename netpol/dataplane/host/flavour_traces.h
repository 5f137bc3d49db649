// What a host shows of each flavour of iptables.
#ifndef NETPOL_DATAPLANE_HOST_FLAVOUR_TRACES_H_
#define NETPOL_DATAPLANE_HOST_FLAVOUR_TRACES_H_

#include <vector>

#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/host/flavour_choice.h"

namespace netpol {

// Of the network namespace of the calling thread, in tables filter, nat and
// mangle. Legacy tables are read where they are; none is created. What cannot
// be read counts as not there: see FlavourTraces::obstacle. Block for the
// kernel only: reading 100,000 rules takes some tenths of a second.
FlavourTraces ReadLegacyTraces(const std::vector<Family>& families);
FlavourTraces ReadNftTraces(const std::vector<Family>& families);

// What `iptables --version` says, the first of PATH and of the system's
// folders; nothing without such a program. In a container that is the image's,
// and not the host's. Blocks until it has answered, five seconds at most.
absl::optional<Flavour> ReadProgramFlavour();

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_FLAVOUR_TRACES_H_
