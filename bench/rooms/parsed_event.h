// Watch events in two steps, so that the cost of parsing can be told from the
// cost of recording.
#ifndef NETPOL_BENCH_ROOMS_PARSED_EVENT_H_
#define NETPOL_BENCH_ROOMS_PARSED_EVENT_H_

#include <string>
#include <vector>

#include "absl/types/variant.h"
#include "netpol/policy/object_key.h"
#include "netpol/policy/objects.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/cluster.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct GonePod {
  ObjectKey key;
};
struct GonePolicy {
  ObjectKey key;
};

using ParsedEvent =
    absl::variant<Namespace, Node, Pod, NetworkPolicy, GonePod, GonePolicy>;

// `event` must be an upsert, or the end of a pod or policy; anything else, and
// an object that cannot be parsed, ends the program.
ParsedEvent ParseEvent(const v1::WatchEvent& event);

// All objects of `cluster`.
std::vector<ParsedEvent> ParsedObjects(const Cluster& cluster);

void Tell(ParsedEvent event, ClusterState& state);

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_PARSED_EVENT_H_
