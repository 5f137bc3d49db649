// Events that wait for somebody who is busy.
#ifndef NETPOL_EVENT_INBOX_H_
#define NETPOL_EVENT_INBOX_H_

#include <cstddef>
#include <vector>

#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Keeps events in order. Of an object that is told again and again only the
// newest stays in the long run: there are never more than kFew events, or twice
// as many as there are different objects, ends of listings and events that name
// no object, or twice as many as one Add() brought to an empty inbox.
// Thread-compatible.
class EventInbox {
 public:
  // So many are kept whatever they are.
  static constexpr size_t kFew = 1024;

  // In constant time for each event, in the mean.
  void Add(std::vector<v1::WatchEvent> events);

  // All, in order; none is left.
  std::vector<v1::WatchEvent> TakeAll();

  bool empty() const { return events_.empty(); }
  size_t size() const { return events_.size(); }

 private:
  void DropOutdated();

  std::vector<v1::WatchEvent> events_;
  size_t limit_ = kFew;  // of events_, before the next look for outdated ones
};

}  // namespace netpol

#endif  // NETPOL_EVENT_INBOX_H_
