// Objects that are found by the key that stands in them.
#ifndef NETPOL_STATE_KEYED_SET_H_
#define NETPOL_STATE_KEYED_SET_H_

#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "netpol/policy/object_key.h"

namespace netpol {

struct KeyOfObject {
  using is_transparent = void;

  static const ObjectKey& Of(const ObjectKey& key) { return key; }
  template <typename T>
  static const ObjectKey& Of(const std::unique_ptr<T>& object) {
    return object->key;
  }

  template <typename T>
  size_t operator()(const T& object) const {
    return absl::Hash<ObjectKey>()(Of(object));
  }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return Of(a) == Of(b);
  }
};

// T has a member `ObjectKey key`, which must not change while it is here.
// Objects stay where they are in memory.
template <typename T>
using KeyedSet =
    absl::flat_hash_set<std::unique_ptr<T>, KeyOfObject, KeyOfObject>;

}  // namespace netpol

#endif  // NETPOL_STATE_KEYED_SET_H_
