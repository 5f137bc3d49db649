// Which flavour of iptables this host's Kubernetes components use: a rule in
// the other one runs beside theirs instead of in front of them.
#ifndef NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_
#define NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_

#include <vector>

#include "netpol/base/ip.h"
#include "netpol/dataplane/host/flavour_choice.h"

namespace netpol {

// By what is found on this host, in the order that ChooseFlavour() says.
// Changes nothing, and does not make the kernel create a legacy table that is
// not there. Looks at the network namespace of the calling thread; blocks for
// the kernel, and for `iptables --version` where nothing else decides.
FlavourChoice DetectFlavour(const std::vector<Family>& families);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_FLAVOUR_DETECTION_H_
