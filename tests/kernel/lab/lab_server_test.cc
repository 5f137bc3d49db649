// Real sockets: servers, calls, lasting connections.
#include "tests/kernel/lab/lab_server.h"

#include <netinet/in.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/tcp_pair.h"

namespace netpol {
namespace {

class LabServerTest : public LabFixture,
                      public testing::WithParamInterface<Family> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    ASSERT_TRUE(lab_->AddPod("pod", {Pod()}).ok());
    ASSERT_TRUE(lab_->AddRemote({Remote()}).ok());
  }

  static IpAddress Pick(absl::string_view v4, absl::string_view v6) {
    return *IpAddress::Parse(GetParam() == Family::kIPv4 ? v4 : v6);
  }
  static IpAddress Pod() { return Pick("10.42.0.5", "fd00:42::5"); }
  static IpAddress Remote() { return Pick("198.51.100.7", "2001:db8::7"); }

  CallResult CallPod(uint8_t protocol,
                     absl::Duration limit = absl::Seconds(3)) {
    const absl::StatusOr<CallResult> result =
        Call(*lab_->OwnerOf(Remote()), {Pod(), 80, protocol, Remote(), limit});
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  }

  void Block(const std::string& target) {
    const auto result = lab_->ExecOnNode(
        {.argv = {LabTool(GetParam(), "iptables"), "-I", "FORWARD", "-d",
                  Pod().ToString(), "-j", target}});
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->exit_code, 0) << result->err;
  }

  std::unique_ptr<PacketLab> lab_;
};

TEST_P(LabServerTest, AServerAnswersByTheAddressOfItsClient) {
  for (uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    auto server = LabServer::Start(
        *lab_->OwnerOf(Pod()), Pod(), protocol, 80,
        [](const IpAddress& client) { return client.ToString(); });
    ASSERT_TRUE(server.ok()) << server.status();
    for (int calls = 1; calls <= 3; ++calls) {
      const CallResult result = CallPod(protocol);
      EXPECT_EQ(result.outcome, CallOutcome::kAnswered);
      EXPECT_EQ(result.text, Remote().ToString());
      EXPECT_EQ((*server)->calls(), calls);
    }
  }
}

TEST_P(LabServerTest, ALargeAnswerArrivesWhole) {
  constexpr size_t kSize = 3000000;
  auto server = LabServer::Start(
      *lab_->OwnerOf(Pod()), Pod(), IPPROTO_TCP, 80,
      [](const IpAddress&) { return std::string(kSize, 'x'); });
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(CallPod(IPPROTO_TCP).text, std::string(kSize, 'x'));
}

TEST_P(LabServerTest, WithoutServerOrByRejectACallIsRefused) {
  EXPECT_EQ(CallPod(IPPROTO_TCP).outcome, CallOutcome::kRefused);
  EXPECT_EQ(CallPod(IPPROTO_UDP).outcome, CallOutcome::kRefused);
  Block("REJECT");
  EXPECT_EQ(CallPod(IPPROTO_TCP).outcome, CallOutcome::kRefused);
  EXPECT_EQ(CallPod(IPPROTO_UDP).outcome, CallOutcome::kRefused);
}

TEST_P(LabServerTest, WhatIsDroppedIsSilent) {
  Block("DROP");
  const absl::Duration limit = absl::Milliseconds(50);
  EXPECT_EQ(CallPod(IPPROTO_TCP, limit).outcome, CallOutcome::kSilent);
  EXPECT_EQ(CallPod(IPPROTO_UDP, limit).outcome, CallOutcome::kSilent);
}

TEST_P(LabServerTest, AConnectionCarriesUntilItIsBlocked) {
  auto pair = TcpPair::Open(*lab_->OwnerOf(Remote()), Remote(),
                            *lab_->OwnerOf(Pod()), Pod(), 80);
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_EQ(pair->flow().source, Remote());
  EXPECT_EQ(pair->flow().destination_port, 80);
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
  Block("DROP");
  EXPECT_FALSE(*pair->ReachesServer(absl::Milliseconds(50)));
  EXPECT_EQ(
      TcpPair::Open(*lab_->OwnerOf(Remote()), Remote(), *lab_->OwnerOf(Pod()),
                    Pod(), 81, absl::Milliseconds(50))
          .status()
          .code(),
      absl::StatusCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, LabServerTest,
                         testing::ValuesIn(kFamilies),
                         [](const testing::TestParamInfo<Family>& info) {
                           return std::string(FamilyName(info.param));
                         });

}  // namespace
}  // namespace netpol
