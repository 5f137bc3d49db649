// Packets that arrive with mark bits of others, or with ours (C088).
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

constexpr uint32_t kOurs = 0x30000;

class PacketMarksTest : public NeighbourNodeTest {
 protected:
  void Mangle(const std::string& arguments) {
    Iptables(absl::StrCat("-t mangle ", arguments));
  }

  // Every packet comes with `mark`; those that leave for the pod are counted,
  // apart, by whether all bits but ours are those of `mark` still.
  void ArriveWith(uint32_t mark) {
    Mangle("-F");
    Mangle(absl::StrFormat("-A PREROUTING -j MARK --set-xmark %#x/0xffffffff",
                           mark));
    const std::string leaves = "-A POSTROUTING -d 10.42.0.164/32 -p tcp";
    Mangle(absl::StrFormat("%s -m mark --mark %#x/%#x", leaves, mark & ~kOurs,
                           ~kOurs));
    Mangle(absl::StrFormat("%s -m mark ! --mark %#x/%#x", leaves, mark & ~kOurs,
                           ~kOurs));
  }
  // How many left as they came, and how many did not.
  std::pair<int, int> Left() {
    std::vector<int> packets;
    for (const std::string& line :
         LinesWith(Tool({LabTool("iptables-save"), "-c", "-t", "mangle"}),
                   "-A POSTROUTING")) {
      packets.push_back(std::stoi(line.substr(1)));
    }
    if (packets.size() != 2) return {-1, -1};
    return {packets[0], packets[1]};
  }
};

TEST_F(PacketMarksTest, BitsOfOthersLeaveAsTheyCame) {
  EnforceCase("C088");
  const std::vector<CaseCheck> checks = ReadIt("C088").steps.back().checks;
  for (uint32_t mark : {0x4000u, 0u, ~kOurs, 0x80000000u, 0xffffffffu}) {
    SCOPED_TRACE(absl::StrFormat("%#x", mark));
    ArriveWith(mark);
    ExpectVerdicts(checks);
    EXPECT_EQ(Left(), std::make_pair(1, 0));
  }
}

// Only the allowed packet may say that it was allowed.
TEST_F(PacketMarksTest, OurBitsOnArrivalChangeNoVerdict) {
  EnforceCase("C088");
  const std::vector<CaseCheck> checks = ReadIt("C088").steps.back().checks;
  for (uint32_t mark : {0x10000u, 0x20000u, 0x30000u, 0x34000u}) {
    SCOPED_TRACE(absl::StrFormat("%#x", mark));
    ArriveWith(mark);
    ExpectVerdicts(checks);
    EXPECT_EQ(Left(), std::make_pair(1, 0));
  }
}

// The same for what the node itself sends or is sent.
TEST_F(PacketMarksTest, OurBitsChangeNothingWhereTheNodeIsAnEnd) {
  EnforceCase("C088");
  Tool({LabTool("iptables"), "-A", "INPUT", "-p", "tcp", "-j", "DROP"});
  const std::vector<CaseCheck> checks = {
      {"203.0.113.1", "172.31.0.1", IPPROTO_TCP, 80, false}};
  ExpectVerdicts(checks);
  for (uint32_t mark : {0x10000u, 0x20000u, 0x30000u}) {
    SCOPED_TRACE(absl::StrFormat("%#x", mark));
    ArriveWith(mark);
    ExpectVerdicts(checks);
  }
}

}  // namespace
}  // namespace netpol
