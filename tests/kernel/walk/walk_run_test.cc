#include "tests/kernel/walk/walk_run.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Packet kPacket = {*IpAddress::Parse("fd00:42::5"),
                        *IpAddress::Parse("2001:db8::1"), IPPROTO_SCTP, 65535};

std::string TempFile(const char* name) { return testing::TempDir() + name; }

TEST(WalkRunTest, ProbesAreThePacketsTheyWereMadeOf) {
  v1::Walk walk;
  *walk.add_probe() = ProbeOf(kPacket);
  const auto packets = PacketsOf(walk);
  ASSERT_TRUE(packets.ok()) << packets.status();
  EXPECT_THAT(*packets, ElementsAre(kPacket));
}

TEST(WalkRunTest, AProbeWithoutAddressIsRefused) {
  v1::Walk walk;
  walk.add_probe()->set_source("10.0.0.1");
  EXPECT_TRUE(absl::IsInvalidArgument(PacketsOf(walk).status()));
}

TEST(WalkRunTest, AFileHoldsTheWholeWalk) {
  v1::Walk walk;
  v1::WalkStep* step = walk.add_step();
  step->set_restart(true);
  *step->add_event() = Upsert(MakeNamespace("ns-a", {{"env", "web\n\""}}));
  *walk.add_probe() = ProbeOf(kPacket);
  const std::string path = TempFile("/walk.txtpb");
  ASSERT_TRUE(WriteWalk(path, walk).ok());
  const auto read = ReadWalk(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->DebugString(), walk.DebugString());
}

TEST(WalkRunTest, ErrorsNameTheFile) {
  EXPECT_THAT(std::string(ReadWalk("/nowhere/walk").status().message()),
              HasSubstr("/nowhere/walk"));
  EXPECT_THAT(std::string(WriteWalk("/nowhere/walk", {}).message()),
              HasSubstr("/nowhere/walk"));
  const std::string path = TempFile("/no-walk.txtpb");
  std::ofstream(path) << "step { stride: 1 }";
  EXPECT_THAT(std::string(ReadWalk(path).status().message()), HasSubstr(path));
}

}  // namespace
}  // namespace netpol
