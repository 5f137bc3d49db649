#include "netpol/event_inbox.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

// Kind, namespace and name; views into the event.
using ObjectId = std::tuple<v1::WatchEvent::ObjectCase, absl::string_view,
                            absl::string_view>;

ObjectId IdOf(const v1::WatchEvent& event) {
  const auto id = [&](const k8s::ObjectMeta& meta) {
    return ObjectId(event.object_case(), meta.namespace_(), meta.name());
  };
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace:
      return {event.object_case(), "", event.namespace_().metadata().name()};
    case v1::WatchEvent::kNode:
      return {event.object_case(), "", event.node().metadata().name()};
    case v1::WatchEvent::kPod:
      return id(event.pod().metadata());
    case v1::WatchEvent::kNetworkPolicy:
      return id(event.network_policy().metadata());
    default:
      return {event.object_case(), "", ""};
  }
}

// Whether the event says all there is to say about the object `id`. One that
// will be refused says nothing.
bool SaysItAll(const v1::WatchEvent& event, const ObjectId& id) {
  const auto& [kind, ns, name] = id;
  const bool in_namespace =
      kind == v1::WatchEvent::kPod || kind == v1::WatchEvent::kNetworkPolicy;
  return (event.type() == v1::WatchEvent::UPSERT ||
          event.type() == v1::WatchEvent::DELETE) &&
         !name.empty() && (!in_namespace || !ns.empty());
}

}  // namespace

void EventInbox::Add(std::vector<v1::WatchEvent> events) {
  if (events_.empty()) {
    events_ = std::move(events);
    limit_ = std::max(kFew, 2 * events_.size());
    return;
  }
  events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
  if (events_.size() <= limit_) return;
  DropOutdated();
  limit_ = std::max(kFew, 2 * events_.size());
}

std::vector<v1::WatchEvent> EventInbox::TakeAll() {
  limit_ = kFew;
  return std::exchange(events_, {});
}

void EventInbox::DropOutdated() {
  absl::flat_hash_set<ObjectId> told;
  std::vector<bool> outdated(events_.size(), false);
  for (size_t i = events_.size(); i-- > 0;) {
    const ObjectId id = IdOf(events_[i]);
    outdated[i] = SaysItAll(events_[i], id) && !told.insert(id).second;
  }
  told.clear();  // It looks into the events.
  size_t kept = 0;
  for (size_t i = 0; i < events_.size(); ++i) {
    if (outdated[i]) continue;
    if (kept != i) events_[kept] = std::move(events_[i]);
    ++kept;
  }
  events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(kept),
                events_.end());
}

}  // namespace netpol
