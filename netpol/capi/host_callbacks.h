// The way from the enforcer to the functions of the host.
#ifndef NETPOL_CAPI_HOST_CALLBACKS_H_
#define NETPOL_CAPI_HOST_CALLBACKS_H_

#include "netpol/capi/embedded_options.h"
#include "netpol/enforcer/enforcer.h"

namespace netpol {

// Call what `options` name, with the host's own pointer. What a host throws
// ends there.
EnforcerCallbacks HostCallbacks(const EmbeddedOptions& options);

// Whether the calling thread is in one of them.
bool InHostCallback();

}  // namespace netpol

#endif  // NETPOL_CAPI_HOST_CALLBACKS_H_
