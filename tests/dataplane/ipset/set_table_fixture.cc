#include "tests/dataplane/ipset/set_table_fixture.h"

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {

void SetTableFixture::SetUp() {
  if (!EnterPrivateNetwork())
    GTEST_SKIP() << "needs root to make a network namespace";
  auto table = SetTable::Create();
  ASSERT_TRUE(table.ok()) << table.status();
  table_ = *std::move(table);
}

SetSpec Spec(absl::string_view name, SetType type, uint32_t max_elements) {
  return {SetName(name), type,
          absl::StartsWith(name, "inet6:") ? Family::kIPv6 : Family::kIPv4,
          max_elements};
}

SetMember Ip(absl::string_view address) {
  return SetMember::Address(*IpAddress::Parse(address));
}

SetMember Net(absl::string_view prefix) {
  return SetMember::Net(*IpPrefix::Parse(prefix));
}

SetMember Port(absl::string_view address, uint8_t protocol, uint16_t port) {
  return SetMember::AddressPort(*IpAddress::Parse(address), protocol, port);
}

std::vector<SetMember> Addresses(size_t count, Family family) {
  const IpAddress first =
      *IpAddress::Parse(family == Family::kIPv4 ? "10.0.0.1" : "fd00::1");
  std::vector<SetMember> members;
  for (size_t i = 0; i < count; ++i) {
    members.push_back(SetMember::Address({family, first.bits() + i}));
  }
  return members;
}

std::vector<std::string> SavedMembers(const std::string& name) {
  std::istringstream lines(Shell("ipset save"));
  std::vector<std::string> members;
  const std::string prefix = absl::StrCat("add ", name, " ");
  for (std::string line; std::getline(lines, line);) {
    if (absl::StartsWith(line, prefix))
      members.push_back(line.substr(prefix.size()));
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::vector<std::string> Texts(const std::vector<SetMember>& members) {
  std::vector<std::string> texts;
  for (const SetMember& member : members) texts.push_back(member.ToString());
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<std::string> SavedNames() {
  std::vector<std::string> names =
      absl::StrSplit(Shell("ipset list -n"), '\n', absl::SkipEmpty());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace netpol
