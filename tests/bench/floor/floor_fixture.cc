#include "tests/bench/floor/floor_fixture.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netpol/base/ip.h"

namespace netpol {

void FloorFixture::SetUp() {
  LabFixture::SetUp();
  if (IsSkipped()) return;
  ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
  auto kernel = LinuxDataplane::Create({});
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  kernel_ = *std::move(kernel);
}

Snapshot FloorFixture::Read() {
  absl::StatusOr<Snapshot> snapshot = kernel_->Read({Family::kIPv4});
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  return snapshot.ok() ? *std::move(snapshot) : Snapshot();
}

std::vector<std::string> FloorFixture::MembersOf(const SetSpec& spec) {
  std::vector<std::string> texts;
  const Snapshot snapshot = Read();
  auto set = snapshot.sets.find(spec.name);
  if (set == snapshot.sets.end()) return texts;
  for (const SetMember& member : set->second.members)
    texts.push_back(member.ToString());
  std::sort(texts.begin(), texts.end());
  return texts;
}

SetSpec AddressSet(absl::string_view name) {
  return {SetName(name), SetType::kHashIp, Family::kIPv4};
}

std::vector<SetMember> SomeAddresses(int count) {
  const IpAddress first = *IpAddress::Parse("10.0.0.1");
  std::vector<SetMember> members;
  for (int i = 0; i < count; ++i)
    members.push_back(
        SetMember::Address(IpAddress{Family::kIPv4, first.bits() + i}));
  return members;
}

}  // namespace netpol
