// Names of chains and sets: stable, ours by prefix, within the kernel's limits.
//
// kube-router's prefixes are kept; its hashes are not, since they join their
// inputs without separators. A name here is prefix + the first 16 characters of
// base32(SHA-256(fields, each followed by a zero byte)).
#ifndef NETPOL_RULES_NAMES_H_
#define NETPOL_RULES_NAMES_H_

#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/base/shared_value.h"

namespace netpol {

// A chain of table `filter`; at most kMaxLength bytes (XT_EXTENSION_MAXNAMELEN
// - 1, linux/netfilter/x_tables.h).
class ChainName {
 public:
  static constexpr size_t kMaxLength = 28;

  ChainName() = default;
  // `name` must be 1 to kMaxLength bytes: a longer one is our own broken
  // invariant.
  explicit ChainName(absl::string_view name);

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }

  // KUBE-ROUTER-INPUT, -FORWARD and -OUTPUT, and what begins with KUBE-POD-FW-
  // or KUBE-NWPLCY-. Others that begin with KUBE-ROUTER- are those of
  // kube-router's service proxy, which may go on beside us.
  static bool IsOurs(absl::string_view name);

  friend bool operator==(const ChainName& a, const ChainName& b) {
    return a.value_ == b.value_;
  }
  friend bool operator!=(const ChainName& a, const ChainName& b) {
    return !(a == b);
  }
  friend bool operator<(const ChainName& a, const ChainName& b) {
    return a.value_ < b.value_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const ChainName& n) {
    return H::combine(std::move(h), n.value_);
  }
  friend std::ostream& operator<<(std::ostream& os, const ChainName& n) {
    return os << n.value_;
  }

 private:
  std::string value_;
};

// An ipset; at most kMaxLength bytes (IPSET_MAXNAMELEN - 1,
// linux/netfilter/ipset/ip_set.h). Names of IPv6 sets begin with "inet6:".
// Copied by reference: every change of a member has one.
class SetName {
 public:
  static constexpr size_t kMaxLength = 31;

  SetName() = default;
  explicit SetName(absl::string_view name);
  // `base` with "inet6:" in front for IPv6.
  SetName(Family family, absl::string_view base);

  const std::string& value() const { return *value_; }
  bool empty() const { return value_->empty(); }

  // With or without "inet6:": what begins with KUBE-SRC-, KUBE-DST- or
  // kube-router-tmp-, kube-router-local-pods and kube-router-pod-cidrs. Others
  // that begin with kube-router- are those of kube-router's router and proxy.
  static bool IsOurs(absl::string_view name);

  friend bool operator==(const SetName& a, const SetName& b) {
    return a.value_ == b.value_;
  }
  friend bool operator!=(const SetName& a, const SetName& b) {
    return !(a == b);
  }
  friend bool operator<(const SetName& a, const SetName& b) {
    return a.value() < b.value();
  }
  template <typename H>
  friend H AbslHashValue(H h, const SetName& n) {
    return H::combine(std::move(h), n.value_);
  }
  friend std::ostream& operator<<(std::ostream& os, const SetName& n) {
    return os << n.value();
  }

 private:
  SharedValue<std::string> value_;
};

// 16 characters that stand for `fields`; ("a","bc") and ("ab","c") differ.
std::string NameHash(absl::Span<const absl::string_view> fields);

// kube-router's id of a rule it finds by its comment: as NameHash, but over the
// plain concatenation of `words`. Only for the few rules whose ids must be the
// same.
std::string CompatibleRuleId(absl::Span<const absl::string_view> words);

inline constexpr absl::string_view kInputChain = "KUBE-ROUTER-INPUT";
inline constexpr absl::string_view kForwardChain = "KUBE-ROUTER-FORWARD";
inline constexpr absl::string_view kOutputChain = "KUBE-ROUTER-OUTPUT";

}  // namespace netpol

#endif  // NETPOL_RULES_NAMES_H_
