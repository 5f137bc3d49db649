// The namespace and name that identify an object of one kind.
#ifndef NETPOL_POLICY_OBJECT_KEY_H_
#define NETPOL_POLICY_OBJECT_KEY_H_

#include <ostream>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace netpol {

struct ObjectKey {
  std::string namespace_name;
  std::string name;

  // "namespace/name".
  std::string ToString() const {
    return absl::StrCat(namespace_name, "/", name);
  }

  friend bool operator==(const ObjectKey& a, const ObjectKey& b) {
    return a.namespace_name == b.namespace_name && a.name == b.name;
  }
  friend bool operator!=(const ObjectKey& a, const ObjectKey& b) {
    return !(a == b);
  }
  friend bool operator<(const ObjectKey& a, const ObjectKey& b) {
    return std::tie(a.namespace_name, a.name) <
           std::tie(b.namespace_name, b.name);
  }
  template <typename H>
  friend H AbslHashValue(H h, const ObjectKey& k) {
    return H::combine(std::move(h), k.namespace_name, k.name);
  }
  friend std::ostream& operator<<(std::ostream& os, const ObjectKey& k) {
    return os << k.ToString();
  }
};

}  // namespace netpol

#endif  // NETPOL_POLICY_OBJECT_KEY_H_
