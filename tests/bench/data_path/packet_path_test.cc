#include "bench/data_path/packet_path.h"

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

const IpAddress kClient = *IpAddress::Parse("10.42.1.1");
const IpAddress kPod = *IpAddress::Parse("10.42.0.2");
constexpr int kBurst = 2 * PacketPath::kBatch;

class PacketPathTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto path = PacketPath::Create(kClient, kPod, 8080);
    ASSERT_TRUE(path.ok()) << path.status();
    path_ = *std::move(path);
  }

  std::string OnNode(std::vector<std::string> argv,
                     const std::string& input = "") {
    Program program;
    program.argv = std::move(argv);
    program.input = input;
    const auto result = RunProgram(path_->node(), program);
    EXPECT_TRUE(result.ok() && result->exit_code == 0) << program.argv[0];
    return result.ok() ? result->out : "";
  }

  // Counts forwarded packets by their state, and sets the counts to zero.
  void CountStates() {
    OnNode({"iptables-legacy-restore"},
           "*filter\n:FORWARD ACCEPT [0:0]\n"
           "-A FORWARD -m conntrack --ctstate NEW\n"
           "-A FORWARD -m conntrack --ctstate ESTABLISHED\nCOMMIT\n");
  }
  // As counted since.
  int CountOf(const std::string& state) {
    for (absl::string_view line : absl::StrSplit(
             OnNode({"iptables-legacy-save", "-c", "-t", "filter"}), '\n')) {
      if (absl::StrContains(line, "--ctstate " + state))
        return atoi(std::string(line.substr(1)).c_str());
    }
    ADD_FAILURE() << "no rule for " << state;
    return -1;
  }

  // Connections that the node remembers.
  int Connections() {
    int count = -1;
    EXPECT_TRUE(path_->node()
                    .Run([&] {
                      std::ifstream file(
                          "/proc/sys/net/netfilter/nf_conntrack_count");
                      file >> count;
                      return absl::OkStatus();
                    })
                    .ok());
    return count;
  }

  std::unique_ptr<PacketPath> path_;
};

TEST_F(PacketPathTest, EveryPacketOfABurstArrives) {
  ASSERT_TRUE(path_->Forget().ok());
  for (PacketKind kind : kPacketKinds) {
    const uint32_t before = *path_->Arrived();
    const auto time = path_->SendBurst(kind, kBurst);
    ASSERT_TRUE(time.ok()) << time.status();
    EXPECT_GT(*time, absl::ZeroDuration());
    EXPECT_EQ(*path_->Arrived() - before, static_cast<uint32_t>(kBurst));
  }
}

TEST_F(PacketPathTest, UnansweredPacketsAreNewAndMakeNoEntry) {
  CountStates();
  ASSERT_TRUE(path_->Forget().ok());
  CountStates();
  const int connections = Connections();
  ASSERT_TRUE(path_->SendBurst(PacketKind::kUnanswered, kBurst).ok());
  EXPECT_EQ(CountOf("NEW"), kBurst);
  EXPECT_EQ(CountOf("ESTABLISHED"), 0);
  EXPECT_EQ(Connections(), connections);
}

TEST_F(PacketPathTest, EstablishedPacketsAreEstablished) {
  CountStates();
  ASSERT_TRUE(path_->Forget().ok());
  CountStates();
  ASSERT_TRUE(path_->SendBurst(PacketKind::kEstablished, kBurst).ok());
  EXPECT_EQ(CountOf("NEW"), 0);
  EXPECT_EQ(CountOf("ESTABLISHED"), kBurst);
}

TEST_F(PacketPathTest, FirstPacketsAreNewAndMakeAnEntryEach) {
  CountStates();
  ASSERT_TRUE(path_->Forget().ok());
  CountStates();
  const int connections = Connections();
  ASSERT_TRUE(path_->SendBurst(PacketKind::kFirst, kBurst).ok());
  EXPECT_EQ(CountOf("NEW"), kBurst);
  EXPECT_EQ(CountOf("ESTABLISHED"), 0);
  EXPECT_EQ(Connections(), connections + kBurst);
}

TEST_F(PacketPathTest, ForgettingLeavesTheTwoOpenFlowsOnly) {
  CountStates();
  ASSERT_TRUE(path_->Forget().ok());
  ASSERT_TRUE(path_->SendBurst(PacketKind::kFirst, kBurst).ok());
  ASSERT_TRUE(path_->Forget().ok());
  EXPECT_EQ(Connections(), 2);
}

TEST_F(PacketPathTest, FirstPacketsRunOutUntilAllIsForgotten) {
  ASSERT_TRUE(path_->Forget().ok());
  ASSERT_TRUE(
      path_->SendBurst(PacketKind::kFirst, PacketPath::kFirstPackets).ok());
  EXPECT_EQ(path_->first_packets_left(), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(
      path_->SendBurst(PacketKind::kFirst, PacketPath::kBatch).status()));
  ASSERT_TRUE(path_->Forget().ok());
  EXPECT_EQ(path_->first_packets_left(), PacketPath::kFirstPackets);
}

TEST_F(PacketPathTest, RulesThatRefuseAreAnError) {
  ASSERT_TRUE(path_->Forget().ok());
  OnNode({"iptables-legacy", "-P", "FORWARD", "DROP"});
  EXPECT_TRUE(absl::IsFailedPrecondition(path_->Forget()));
  EXPECT_TRUE(absl::IsDataLoss(
      path_->SendBurst(PacketKind::kUnanswered, kBurst).status()));
}

}  // namespace
}  // namespace netpol
