#include "bench/rooms/repeated_event.h"

namespace netpol {

RepeatedEvent::RepeatedEvent(absl::string_view name, WarmCluster& cluster)
    : cluster_(cluster), pair_(cluster.event(name)) {
  if (pair_.is_there) cluster_.Apply(pair_.back);
}

RepeatedEvent::~RepeatedEvent() {
  if (pair_.is_there) cluster_.Apply(pair_.there);
}

}  // namespace netpol
