// Sets of ports, with the arithmetic that verdicts on many ports need.
#ifndef NETPOL_EXPLAIN_PORT_SET_H_
#define NETPOL_EXPLAIN_PORT_SET_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "netpol/rules/rule.h"

namespace netpol {

// Ports from 1 to 65535 of one protocol. Equal sets are equal values. For a
// protocol that has no ports, all stands for yes and none for no.
class PortSet {
 public:
  PortSet() = default;
  // Port 0 of a range is left out; a range that ends before it begins is none.
  explicit PortSet(const std::vector<PortRange>& ranges);

  static PortSet All() { return PortSet({{1, 65535}}); }

  bool empty() const { return ranges_.empty(); }
  bool all() const { return *this == All(); }
  bool Contains(uint16_t port) const;

  // Ascending; they neither overlap nor touch.
  const std::vector<PortRange>& ranges() const { return ranges_; }

  PortSet Complement() const;

  // "80, 443, 8000-8010"; "none", "all".
  std::string ToString() const;

  friend PortSet operator|(const PortSet& a, const PortSet& b);
  friend PortSet operator&(const PortSet& a, const PortSet& b);
  friend bool operator==(const PortSet& a, const PortSet& b) {
    return a.ranges_ == b.ranges_;
  }
  friend bool operator!=(const PortSet& a, const PortSet& b) {
    return !(a == b);
  }
  friend std::ostream& operator<<(std::ostream& os, const PortSet& set) {
    return os << set.ToString();
  }

 private:
  std::vector<PortRange> ranges_;
};

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_PORT_SET_H_
