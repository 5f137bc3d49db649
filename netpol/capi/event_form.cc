#include "netpol/capi/event_form.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/object_decoder.h"

namespace netpol {
namespace {

// The numbers of netpol.h are those of WatchEvent.
static_assert(NETPOL_NAMESPACE == int{v1::WatchEvent::NAMESPACE} &&
              NETPOL_POD == int{v1::WatchEvent::POD} &&
              NETPOL_NODE == int{v1::WatchEvent::NODE} &&
              NETPOL_NETWORK_POLICY == int{v1::WatchEvent::NETWORK_POLICY});

absl::StatusOr<v1::WatchEvent::Kind> ReadKind(netpol_kind kind) {
  if (kind < NETPOL_NAMESPACE || kind > NETPOL_NETWORK_POLICY) {
    return absl::InvalidArgumentError(
        absl::StrCat("kind ", kind, " is none of NETPOL_NAMESPACE, …"));
  }
  return static_cast<v1::WatchEvent::Kind>(kind);
}

// The object of `kind` in `event`, made if it is not there.
k8s::ObjectMeta* MetadataOf(v1::WatchEvent::Kind kind, v1::WatchEvent& event) {
  switch (kind) {
    case v1::WatchEvent::NAMESPACE:
      return event.mutable_namespace_()->mutable_metadata();
    case v1::WatchEvent::POD:
      return event.mutable_pod()->mutable_metadata();
    case v1::WatchEvent::NODE:
      return event.mutable_node()->mutable_metadata();
    default:
      return event.mutable_network_policy()->mutable_metadata();
  }
}

bool IsNamespaced(v1::WatchEvent::Kind kind) {
  return kind == v1::WatchEvent::POD || kind == v1::WatchEvent::NETWORK_POLICY;
}

absl::StatusOr<v1::WatchEvent> KindEvent(v1::WatchEvent::Type type,
                                         netpol_kind kind) {
  v1::WatchEvent event;
  event.set_type(type);
  ASSIGN_OR_RETURN(const v1::WatchEvent::Kind read, ReadKind(kind));
  event.set_listed_kind(read);
  return event;
}

}  // namespace

absl::StatusOr<v1::WatchEvent> ObjectEvent(netpol_event event,
                                           const void* bytes, size_t length) {
  if (event != NETPOL_UPSERT && event != NETPOL_DELETE) {
    return absl::InvalidArgumentError(absl::StrCat(
        "event ", event, " is neither NETPOL_UPSERT nor NETPOL_DELETE"));
  }
  if (bytes == nullptr || length == 0)
    return absl::InvalidArgumentError("there are no bytes of an object");
  ASSIGN_OR_RETURN(
      v1::WatchEvent told,
      DecodeObject(absl::string_view(static_cast<const char*>(bytes), length)));
  if (event == NETPOL_DELETE) told.set_type(v1::WatchEvent::DELETE);
  return told;
}

absl::StatusOr<v1::WatchEvent> DeletedEvent(netpol_kind kind,
                                            const char* object_namespace,
                                            const char* name) {
  ASSIGN_OR_RETURN(const v1::WatchEvent::Kind read, ReadKind(kind));
  if (name == nullptr || *name == '\0')
    return absl::InvalidArgumentError("the object has no name");
  v1::WatchEvent event;
  event.set_type(v1::WatchEvent::DELETE);
  k8s::ObjectMeta* metadata = MetadataOf(read, event);
  metadata->set_name(name);
  if (!IsNamespaced(read)) return event;
  if (object_namespace == nullptr || *object_namespace == '\0')
    return absl::InvalidArgumentError("the object has no namespace");
  metadata->set_namespace_(object_namespace);
  return event;
}

absl::StatusOr<v1::WatchEvent> ListedEvent(netpol_kind kind) {
  return KindEvent(v1::WatchEvent::LISTED, kind);
}

absl::StatusOr<v1::WatchEvent> ListingEvent(netpol_kind kind) {
  return KindEvent(v1::WatchEvent::LISTING, kind);
}

}  // namespace netpol
