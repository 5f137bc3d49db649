#include "bench/floor/set_floor.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/bench/floor/floor_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SetFloorTest : public FloorFixture {
 protected:
  void SetUp() override {
    FloorFixture::SetUp();
    if (IsSkipped()) return;
    auto floor = SetFloor::Open();
    ASSERT_TRUE(floor.ok()) << floor.status();
    floor_ = *std::move(floor);
  }

  std::unique_ptr<SetFloor> floor_;
};

TEST_F(SetFloorTest, EditsTheSetItIsGiven) {
  const SetSpec spec = AddressSet("KUBE-SRC-A");
  const std::vector<SetMember> members = SomeAddresses(3);
  ASSERT_TRUE(kernel_->CreateSet(spec, {}).ok());
  const auto added = floor_->Edit(MemberCommand::kAdd, spec, members);
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_GT(added->wall, absl::ZeroDuration());
  EXPECT_GT(added->cpu, absl::ZeroDuration());
  EXPECT_THAT(MembersOf(spec), ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3"));
  ASSERT_TRUE(floor_->Edit(MemberCommand::kRemove, spec, {members[1]}).ok());
  EXPECT_THAT(MembersOf(spec), ElementsAre("10.0.0.1", "10.0.0.3"));
}

TEST_F(SetFloorTest, EditsMoreMembersThanGoIntoOneMessage) {
  const SetSpec spec = AddressSet("KUBE-SRC-A");
  ASSERT_TRUE(kernel_->CreateSet(spec, {}).ok());
  ASSERT_TRUE(
      floor_->Edit(MemberCommand::kAdd, spec, SomeAddresses(2500)).ok());
  EXPECT_EQ(MembersOf(spec).size(), 2500u);
}

TEST_F(SetFloorTest, NamesTheSetThatIsNotThere) {
  const auto edited = floor_->Edit(MemberCommand::kAdd,
                                   AddressSet("KUBE-SRC-B"), SomeAddresses(1));
  EXPECT_TRUE(absl::IsNotFound(edited.status())) << edited.status();
  EXPECT_TRUE(absl::StrContains(edited.status().message(), "KUBE-SRC-B"));
}

// More than go into one datagram, and of each type.
TEST_F(SetFloorTest, CreatesWhatItIsGivenAndTakesItAway) {
  std::vector<PlannedMembers> sets;
  for (int i = 0; i < 70; ++i)
    sets.push_back(
        {AddressSet(absl::StrCat("KUBE-SRC-", i)), SomeAddresses(i)});
  sets[1].set.type = SetType::kHashNet;
  sets[2].set.type = SetType::kHashIpPort;
  sets[2].members = {
      SetMember::AddressPort(*IpAddress::Parse("10.0.0.1"), 6, 80)};
  sets[3].set.max_elements = 5;
  const auto created = floor_->Create(sets);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_GT(created->wall, absl::ZeroDuration());
  auto found = Read().sets;
  ASSERT_EQ(found.size(), sets.size());
  for (const PlannedMembers& set : sets) {
    EXPECT_EQ(found[set.set.name].spec, set.set);
    EXPECT_EQ(found[set.set.name].members.size(), set.members.size());
  }
  ASSERT_TRUE(floor_->Destroy(sets).ok());
  EXPECT_THAT(Read().sets, IsEmpty());
}

TEST_F(SetFloorTest, DoesNotCreateASetTwice) {
  const std::vector<PlannedMembers> sets = {{AddressSet("KUBE-SRC-A"), {}}};
  ASSERT_TRUE(floor_->Create(sets).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(floor_->Create(sets).status()));
}

}  // namespace
}  // namespace netpol
