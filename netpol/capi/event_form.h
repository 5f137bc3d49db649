// What the host tells, as events.
#ifndef NETPOL_CAPI_EVENT_FORM_H_
#define NETPOL_CAPI_EVENT_FORM_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "netpol/capi/netpol.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// All errors are InvalidArgument.

// See netpol_feed().
absl::StatusOr<v1::WatchEvent> ObjectEvent(netpol_event event,
                                           const void* bytes, size_t length);

// See netpol_delete().
absl::StatusOr<v1::WatchEvent> DeletedEvent(netpol_kind kind,
                                            const char* object_namespace,
                                            const char* name);

// See netpol_listed() and netpol_listing().
absl::StatusOr<v1::WatchEvent> ListedEvent(netpol_kind kind);
absl::StatusOr<v1::WatchEvent> ListingEvent(netpol_kind kind);

}  // namespace netpol

#endif  // NETPOL_CAPI_EVENT_FORM_H_
