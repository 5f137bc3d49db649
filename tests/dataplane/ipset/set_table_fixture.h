// A SetTable in a network namespace of its own.
#ifndef TESTS_DATAPLANE_IPSET_SET_TABLE_FIXTURE_H_
#define TESTS_DATAPLANE_IPSET_SET_TABLE_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/ipset/set_table.h"
#include "netpol/rules/set.h"

namespace netpol {

class SetTableFixture : public testing::Test {
 protected:
  // Skips the test when not root.
  void SetUp() override;

  std::unique_ptr<SetTable> table_;
};

// A set of IPv4, or of IPv6 when `name` begins with "inet6:".
SetSpec Spec(absl::string_view name, SetType type = SetType::kHashIp,
             uint32_t max_elements = 65536);

SetMember Ip(absl::string_view address);
SetMember Net(absl::string_view prefix);
SetMember Port(absl::string_view address, uint8_t protocol, uint16_t port);

// `count` addresses of `family`, all different, none null.
std::vector<SetMember> Addresses(size_t count, Family family = Family::kIPv4);

// What `ipset save` says is in the set, as SetMember::ToString() writes it,
// sorted; empty for a set that is not there.
std::vector<std::string> SavedMembers(const std::string& name);
std::vector<std::string> Texts(const std::vector<SetMember>& members);

// The names of all sets, sorted.
std::vector<std::string> SavedNames();

}  // namespace netpol

#endif  // TESTS_DATAPLANE_IPSET_SET_TABLE_FIXTURE_H_
