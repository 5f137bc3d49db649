// One event of a warm cluster, over and over.
#ifndef NETPOL_BENCH_ROOMS_REPEATED_EVENT_H_
#define NETPOL_BENCH_ROOMS_REPEATED_EVENT_H_

#include "absl/strings/string_view.h"
#include "bench/rooms/warm_cluster.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// While it lives, the cluster is as it must be before there(); afterwards as it
// was. there() and back() are to be told in turns, ending with back().
// Thread-compatible.
class RepeatedEvent {
 public:
  // `name` as in WarmCluster::event(); `cluster` must live longer.
  RepeatedEvent(absl::string_view name, WarmCluster& cluster);
  ~RepeatedEvent();
  RepeatedEvent(const RepeatedEvent&) = delete;
  RepeatedEvent& operator=(const RepeatedEvent&) = delete;

  const v1::WatchEvent& there() const { return pair_.there; }
  const v1::WatchEvent& back() const { return pair_.back; }
  // The cluster is otherwise as after there().
  bool is_there() const { return pair_.is_there; }

 private:
  WarmCluster& cluster_;
  const EventPair& pair_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_REPEATED_EVENT_H_
