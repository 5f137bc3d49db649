// Values that many objects have in common and that are kept once.
#ifndef NETPOL_BASE_SHARED_VALUE_H_
#define NETPOL_BASE_SHARED_VALUE_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace netpol {

// A constant T, copied by reference and compared by value. As thread-safe as a
// std::shared_ptr: each object for itself.
template <typename T>
class SharedValue {
 public:
  SharedValue() = default;  // T()
  explicit SharedValue(T value) {
    if (!(value == T())) value_ = std::make_shared<const T>(std::move(value));
  }

  const T& operator*() const {
    static const auto* const kNothing = new T();
    return value_ == nullptr ? *kNothing : *value_;
  }
  const T* operator->() const { return &**this; }

  // Nobody else holds it. Never true of T().
  bool is_last() const { return value_.use_count() == 1; }

  friend bool operator==(const SharedValue& a, const SharedValue& b) {
    return a.value_ == b.value_ ||
           (a.value_ != nullptr && b.value_ != nullptr &&
            *a.value_ == *b.value_);
  }
  friend bool operator!=(const SharedValue& a, const SharedValue& b) {
    return !(a == b);
  }
  template <typename H>
  friend H AbslHashValue(H h, const SharedValue& v) {
    return H::combine(std::move(h), *v);
  }

 private:
  std::shared_ptr<const T> value_;
};

// Finds the one copy of equal values. What nobody holds any more is forgotten
// when the pool would have to grow. Thread-compatible.
template <typename T>
class SharedPool {
 public:
  // What equals `value`, if it was seen before and is still held; else it.
  SharedValue<T> Share(const SharedValue<T>& value) {
    if (value == SharedValue<T>()) return value;
    if (values_.size() >= sweep_at_) Sweep();
    return *values_.insert(value).first;
  }

  size_t size() const { return values_.size(); }

 private:
  void Sweep() {
    absl::erase_if(values_,
                   [](const SharedValue<T>& value) { return value.is_last(); });
    sweep_at_ = std::max(kLeast, 2 * values_.size());
  }

  static constexpr size_t kLeast = 64;
  absl::flat_hash_set<SharedValue<T>> values_;
  size_t sweep_at_ = kLeast;
};

}  // namespace netpol

#endif  // NETPOL_BASE_SHARED_VALUE_H_
