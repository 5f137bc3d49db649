// What should exist, what does, and the difference, for one kind of kernel
// object.
#ifndef NETPOL_SYNC_DELTA_TRACKER_H_
#define NETPOL_SYNC_DELTA_TRACKER_H_

#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/types/optional.h"

namespace netpol {

// Keys with values, wanted and observed. The two are kept in one entry, and a
// value that is both is kept once. The difference is always at hand, in order
// of the keys: nothing is compared that nobody touched. Thread-compatible.
template <typename Key, typename Value>
class DeltaTracker {
 public:
  void Want(const Key& key, Value value) {
    Entry& entry = entries_[key];
    if (entry.observed && *entry.observed == value) {
      entry.wanted.reset();
      entry.agreed = true;
      dirty_.erase(key);
      return;
    }
    entry.wanted = std::move(value);
    entry.agreed = false;
    dirty_.insert(key);
  }

  void Unwant(const Key& key) {
    auto it = entries_.find(key);
    if (it == entries_.end()) return;
    it->second.wanted.reset();
    it->second.agreed = false;
    if (it->second.observed) {
      dirty_.insert(key);
    } else {
      Erase(it);
    }
  }

  // `key` was found, or has been made, with this value.
  void Observe(const Key& key, Value value) {
    Entry& entry = entries_[key];
    const Value* wanted = WantedOf(entry);
    if (wanted != nullptr && *wanted == value) {
      entry.observed = std::move(value);
      entry.wanted.reset();
      entry.agreed = true;
      dirty_.erase(key);
      return;
    }
    if (entry.agreed) entry.wanted = std::move(entry.observed);
    entry.agreed = false;
    entry.observed = std::move(value);
    dirty_.insert(key);
  }

  // `key` is as it is wanted: present, or gone.
  void Confirm(const Key& key) {
    auto it = entries_.find(key);
    if (it == entries_.end()) return;
    Entry& entry = it->second;
    dirty_.erase(key);
    if (entry.agreed) return;
    if (!entry.wanted) {
      entries_.erase(it);
      return;
    }
    entry.observed = std::move(entry.wanted);
    entry.wanted.reset();
    entry.agreed = true;
  }

  // Nothing is known to exist; what is wanted stays so.
  void ForgetObserved() {
    for (auto it = entries_.begin(); it != entries_.end();) {
      Entry& entry = it->second;
      if (entry.agreed) entry.wanted = std::move(entry.observed);
      entry.observed.reset();
      entry.agreed = false;
      if (entry.wanted) {
        dirty_.insert(it->first);
        ++it;
      } else {
        dirty_.erase(it->first);
        it = entries_.erase(it);
      }
    }
  }

  // nullptr if it is not wanted, or not observed.
  const Value* Wanted(const Key& key) const {
    auto it = entries_.find(key);
    return it == entries_.end() ? nullptr : WantedOf(it->second);
  }
  const Value* Observed(const Key& key) const {
    auto it = entries_.find(key);
    return it == entries_.end() || !it->second.observed ? nullptr
                                                        : &*it->second.observed;
  }

  // Keys whose wanted and observed values differ.
  const absl::btree_set<Key>& dirty() const { return dirty_; }

  // Calls `f(key, value)` for everything that is wanted, in order.
  template <typename F>
  void ForEachWanted(F f) const {
    for (const auto& [key, entry] : entries_) {
      if (const Value* value = WantedOf(entry)) f(key, *value);
    }
  }
  // Likewise for everything that is observed.
  template <typename F>
  void ForEachObserved(F f) const {
    for (const auto& [key, entry] : entries_) {
      if (entry.observed) f(key, *entry.observed);
    }
  }

 private:
  struct Entry {
    absl::optional<Value> wanted;  // empty if not wanted, or if `agreed`
    absl::optional<Value> observed;
    bool agreed = false;  // wanted as observed
  };

  static const Value* WantedOf(const Entry& entry) {
    if (entry.agreed) return &*entry.observed;
    return entry.wanted ? &*entry.wanted : nullptr;
  }

  void Erase(typename absl::btree_map<Key, Entry>::iterator it) {
    dirty_.erase(it->first);
    entries_.erase(it);
  }

  absl::btree_map<Key, Entry> entries_;
  absl::btree_set<Key> dirty_;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_DELTA_TRACKER_H_
