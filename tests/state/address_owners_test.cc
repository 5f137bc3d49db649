#include "netpol/state/address_owners.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

IpAddress Ip(int number) {
  return IpAddress(Family::kIPv4, 0x0a000000 + static_cast<unsigned>(number));
}

Pod PodAt(const std::string& name, std::vector<int> numbers) {
  Pod pod;
  pod.key = {"red", name};
  for (int number : numbers) pod.addresses.push_back(Ip(number));
  return pod;
}

std::vector<std::string> Names(const AddressOwners& owners, int number) {
  std::vector<std::string> names;
  for (const Pod* pod : owners.Of(Ip(number))) names.push_back(pod->key.name);
  return names;
}

TEST(AddressOwnersTest, EveryAddressOfAPodLeadsToIt) {
  const Pod a = PodAt("a", {1, 2}), b = PodAt("b", {3});
  AddressOwners owners;
  owners.Add(a);
  owners.Add(b);
  EXPECT_THAT(Names(owners, 1), ElementsAre("a"));
  EXPECT_THAT(Names(owners, 2), ElementsAre("a"));
  EXPECT_THAT(Names(owners, 3), ElementsAre("b"));
  EXPECT_THAT(Names(owners, 4), ElementsAre());
}

TEST(AddressOwnersTest, APodThatGoesLeavesTheOthers) {
  const Pod a = PodAt("a", {1, 2}), b = PodAt("b", {3});
  AddressOwners owners;
  owners.Add(a);
  owners.Add(b);
  owners.Remove(a);
  EXPECT_THAT(Names(owners, 1), ElementsAre());
  EXPECT_THAT(Names(owners, 2), ElementsAre());
  EXPECT_THAT(Names(owners, 3), ElementsAre("b"));
}

TEST(AddressOwnersTest, OneAddressOfSeveralPodsLeadsToAll) {
  const Pod a = PodAt("a", {1, 2}), b = PodAt("b", {2, 3}), c = PodAt("c", {2});
  AddressOwners owners;
  for (const Pod* pod : {&a, &b, &c}) owners.Add(*pod);
  EXPECT_THAT(Names(owners, 2), UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(Names(owners, 1), ElementsAre("a"));
  owners.Remove(b);
  EXPECT_THAT(Names(owners, 2), UnorderedElementsAre("a", "c"));
  EXPECT_THAT(Names(owners, 3), ElementsAre());
  owners.Remove(a);
  EXPECT_THAT(Names(owners, 2), ElementsAre("c"));
  owners.Remove(c);
  EXPECT_THAT(Names(owners, 2), ElementsAre());
}

TEST(AddressOwnersTest, TheLastOfSeveralIsFoundAtItsOwnPlace) {
  // Address 2 is the second of b's: what stays must not point to its first.
  const Pod a = PodAt("a", {2}), b = PodAt("b", {1, 2});
  AddressOwners owners;
  owners.Add(a);
  owners.Add(b);
  owners.Remove(a);
  EXPECT_THAT(Names(owners, 1), ElementsAre("b"));
  EXPECT_THAT(Names(owners, 2), ElementsAre("b"));
  owners.Remove(b);
  EXPECT_THAT(Names(owners, 1), ElementsAre());
  EXPECT_THAT(Names(owners, 2), ElementsAre());
}

}  // namespace
}  // namespace netpol
