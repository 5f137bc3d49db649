#include "netpol/dataplane/host/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::Field;

std::vector<CapabilityState> Needed() {
  const absl::StatusOr<std::vector<CapabilityState>> needed =
      NeededCapabilities();
  EXPECT_TRUE(needed.ok()) << needed.status();
  return needed.value_or(std::vector<CapabilityState>());
}

// "CapEff: 000001ffffffffff" of proc(5).
uint64_t EffectiveAsProcSays() {
  std::ifstream status("/proc/thread-self/status");
  uint64_t effective = 0;
  for (std::string word; status >> word;) {
    if (word == "CapEff:") status >> std::hex >> effective;
  }
  return effective;
}

// In a thread of its own, since these are a thread's.
std::vector<CapabilityState> NeededWithout(unsigned capability) {
  std::vector<CapabilityState> needed;
  std::thread([&] {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
    data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
    needed = Needed();
  }).join();
  return needed;
}

TEST(NeededCapabilitiesTest, WhatWasTakenAwayIsMissingAndNothingElse) {
  const std::vector<CapabilityState> all = Needed();
  ASSERT_THAT(all, ElementsAre(Field(&CapabilityState::name, "CAP_NET_ADMIN"),
                               Field(&CapabilityState::name, "CAP_NET_RAW")));
  const uint64_t effective = EffectiveAsProcSays();
  EXPECT_EQ(all[0].effective, (effective >> CAP_NET_ADMIN & 1) != 0);
  EXPECT_EQ(all[1].effective, (effective >> CAP_NET_RAW & 1) != 0);
  EXPECT_THAT(
      NeededWithout(CAP_NET_ADMIN),
      ElementsAre(Field(&CapabilityState::effective, false),
                  Field(&CapabilityState::effective, all[1].effective)));
  EXPECT_THAT(NeededWithout(CAP_NET_RAW),
              ElementsAre(Field(&CapabilityState::effective, all[0].effective),
                          Field(&CapabilityState::effective, false)));
}

}  // namespace
}  // namespace netpol
