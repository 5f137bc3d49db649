#include "tests/kernel/lab/packet_lab.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {
namespace {

constexpr uint16_t kRejectedPort = 1001;
constexpr uint16_t kDroppedPort = 1002;
constexpr uint16_t kReturnedPort = 1003;
constexpr uint16_t kFreePort = 1004;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

std::vector<uint8_t> TransportProtocols() {
  return {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
}

std::string Describe(const ProbeSpec& spec) {
  return absl::StrCat(spec.source.ToString(), " -> ",
                      spec.destination.ToString(), " protocol ",
                      int{spec.protocol}, " port ", spec.port);
}

// Two pods, one remote address, and the node, in both families.
class PacketLabTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!MayMakeNamespaces()) {
      GTEST_SKIP() << "needs root: cannot make network namespaces";
    }
    auto lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    Succeed(lab_->AddPod("a", {Ip("10.42.0.5"), Ip("fd00:42::5")}));
    Succeed(lab_->AddPod("b", {Ip("10.42.0.6"), Ip("fd00:42::6")}));
    Succeed(lab_->AddRemote({Ip("10.42.1.7"), Ip("fd00:42:1::7")}));
  }

  static void Succeed(const absl::Status& status) {
    ASSERT_TRUE(status.ok()) << status;
  }

  static IpAddress PodA(Family f) {
    return Ip(f == Family::kIPv4 ? "10.42.0.5" : "fd00:42::5");
  }
  static IpAddress PodB(Family f) {
    return Ip(f == Family::kIPv4 ? "10.42.0.6" : "fd00:42::6");
  }
  static IpAddress Remote(Family f) {
    return Ip(f == Family::kIPv4 ? "10.42.1.7" : "fd00:42:1::7");
  }
  static IpAddress Node(Family f) {
    return Ip(f == Family::kIPv4 ? "172.31.0.1" : "fd00:31::1");
  }

  // Loads rules of table filter on the node, in iptables-restore form.
  void Load(Family family, absl::string_view rules) {
    const auto result = lab_->ExecOnNode(
        {.argv = {LabTool(family, "iptables-restore")},
         .input = absl::StrCat("*filter\n", rules, "COMMIT\n"),
         .environment = {absl::StrCat("XTABLES_LOCKFILE=", testing::TempDir(),
                                      "/packet_lab_test.lock")}});
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->exit_code, 0) << result->err;
  }

  void ExpectOutcomes(const std::vector<ProbeSpec>& specs,
                      const std::vector<ProbeOutcome>& expected) {
    const auto outcomes = lab_->Probe(specs);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    ASSERT_EQ(outcomes->size(), expected.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      EXPECT_EQ((*outcomes)[i], expected[i]) << Describe(specs[i]);
    }
  }

  ProbeOutcome Sent(const absl::StatusOr<ProbeOutcome>& outcome) {
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.value_or(ProbeOutcome::kDropped);
  }

  std::unique_ptr<PacketLab> lab_;
};

TEST_F(PacketLabTest, WithoutRulesEveryPairIsAllowed) {
  std::vector<ProbeSpec> specs;
  for (Family family : kFamilies) {
    std::vector<IpAddress> all = {PodA(family), PodB(family), Remote(family),
                                  Node(family)};
    if (family == Family::kIPv4) {
      all.push_back(Ip("10.42.0.1"));
      all.push_back(Ip("10.42.0.0"));
    } else {
      all.push_back(Ip("fd00:42::1"));
    }
    for (const IpAddress& from : all) {
      for (const IpAddress& to : all) {
        for (uint8_t protocol : TransportProtocols()) {
          specs.push_back({from, to, protocol, 80});
        }
        specs.push_back({from, to, IcmpProtocol(family), 0});
      }
    }
  }
  ExpectOutcomes(
      specs, std::vector<ProbeOutcome>(specs.size(), ProbeOutcome::kAllowed));
}

TEST_F(PacketLabTest, RejectDropAndReturnAreToldApartInEveryHook) {
  for (Family family : kFamilies) {
    std::string rules;
    for (const char* chain : {"INPUT", "FORWARD", "OUTPUT"}) {
      for (const char* protocol : {"tcp", "udp", "sctp"}) {
        const std::string start =
            absl::StrCat("-A ", chain, " -p ", protocol, " --dport ");
        absl::StrAppend(&rules, start, kRejectedPort, " -j REJECT\n", start,
                        kDroppedPort, " -j DROP\n", start, kReturnedPort,
                        " -j RETURN\n");
      }
    }
    Load(family, rules);
    std::vector<ProbeSpec> specs;
    std::vector<ProbeOutcome> expected;
    const IpAddress pairs[][2] = {
        {PodA(family), PodB(family)},   {PodA(family), Remote(family)},
        {Remote(family), PodA(family)}, {PodA(family), Node(family)},
        {Remote(family), Node(family)}, {Node(family), PodA(family)},
        {Node(family), Remote(family)}, {Node(family), Node(family)}};
    for (const auto& [from, to] : pairs) {
      for (uint8_t protocol : TransportProtocols()) {
        specs.push_back({from, to, protocol, kRejectedPort});
        specs.push_back({from, to, protocol, kDroppedPort});
        specs.push_back({from, to, protocol, kReturnedPort});
        specs.push_back({from, to, protocol, kFreePort});
        expected.insert(expected.end(),
                        {ProbeOutcome::kRejected, ProbeOutcome::kDropped,
                         ProbeOutcome::kAllowed, ProbeOutcome::kAllowed});
      }
    }
    ExpectOutcomes(specs, expected);
  }
}

TEST_F(PacketLabTest, EchoRequestsAreJudgedToo) {
  for (Family family : kFamilies) {
    const std::string icmp = family == Family::kIPv4 ? "icmp" : "ipv6-icmp";
    Load(family,
         absl::StrCat("-A FORWARD -p ", icmp, " -d ", PodB(family).ToString(),
                      " -j REJECT\n-A FORWARD -p ", icmp, " -d ",
                      Remote(family).ToString(), " -j DROP\n"));
    ExpectOutcomes({{PodA(family), PodB(family), IcmpProtocol(family), 0},
                    {PodA(family), Remote(family), IcmpProtocol(family), 0},
                    {PodB(family), PodA(family), IcmpProtocol(family), 0}},
                   {ProbeOutcome::kRejected, ProbeOutcome::kDropped,
                    ProbeOutcome::kAllowed});
  }
}

TEST_F(PacketLabTest, NewFlowsAreNeverInvalidForConnectionTracking) {
  for (Family family : kFamilies) {
    Load(family,
         "-A FORWARD -m conntrack --ctstate NEW -j RETURN\n"
         "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n");
    std::vector<ProbeSpec> specs;
    for (int i = 0; i < 700; ++i) {
      for (uint8_t protocol : TransportProtocols()) {
        specs.push_back({PodA(family), PodB(family), protocol, 80});
      }
    }
    ExpectOutcomes(
        specs, std::vector<ProbeOutcome>(specs.size(), ProbeOutcome::kAllowed));
  }
}

TEST_F(PacketLabTest, NoRejectOfABurstIsLost) {
  for (Family family : kFamilies) {
    Load(family, "-A FORWARD -j REJECT\n");
    const std::vector<ProbeSpec> specs(
        3000, {PodA(family), PodB(family), IPPROTO_TCP, 80});
    ExpectOutcomes(specs, std::vector<ProbeOutcome>(specs.size(),
                                                    ProbeOutcome::kRejected));
  }
}

TEST_F(PacketLabTest, ReplyPassesOnlyAfterTheFlowIsEstablished) {
  for (Family family : kFamilies) {
    Load(family, absl::StrCat(
                     "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
                     "-A FORWARD -s ",
                     PodB(family).ToString(), " -j DROP\n"));
    UdpFlow flow = lab_->OpenUdpFlow(PodA(family), PodB(family), 53);
    EXPECT_EQ(Sent(flow.SendReply()), ProbeOutcome::kDropped);
    EXPECT_EQ(Sent(flow.SendForward()), ProbeOutcome::kAllowed);
    EXPECT_EQ(Sent(flow.SendReply()), ProbeOutcome::kAllowed);
  }
}

TEST_F(PacketLabTest, UnownedDestinationIsRejectedOrCountsAsDropped) {
  const IpAddress nobody = Ip("203.0.113.9");
  const ProbeSpec spec = {PodA(Family::kIPv4), nobody, IPPROTO_TCP, 80};
  EXPECT_EQ(Sent(lab_->ProbeOne(spec)), ProbeOutcome::kDropped);
  Load(Family::kIPv4, "-A FORWARD -d 203.0.113.9 -j REJECT\n");
  EXPECT_EQ(Sent(lab_->ProbeOne(spec)), ProbeOutcome::kRejected);
}

TEST_F(PacketLabTest, UnownedSourceAndMixedFamiliesAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      lab_->ProbeOne({Ip("203.0.113.9"), PodA(Family::kIPv4), IPPROTO_TCP, 80})
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      lab_->ProbeOne(
              {PodA(Family::kIPv4), PodB(Family::kIPv6), IPPROTO_TCP, 80})
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      lab_->ProbeOne(
              {PodA(Family::kIPv4), PodB(Family::kIPv4), IPPROTO_ICMPV6, 0})
          .status()));
}

TEST_F(PacketLabTest, DeletedPodGivesItsAddressesBack) {
  Succeed(lab_->DelPod("b"));
  EXPECT_TRUE(absl::IsNotFound(lab_->DelPod("b")));
  EXPECT_EQ(lab_->OwnerOf(PodB(Family::kIPv4)), nullptr);
  Succeed(lab_->AddPod("c", {PodB(Family::kIPv4), PodB(Family::kIPv6)}));
  for (Family family : kFamilies) {
    ExpectOutcomes({{PodA(family), PodB(family), IPPROTO_TCP, 80},
                    {PodB(family), Remote(family), IPPROTO_UDP, 80}},
                   {ProbeOutcome::kAllowed, ProbeOutcome::kAllowed});
  }
}

TEST_F(PacketLabTest, RefusedPodLeavesNothingBehind) {
  EXPECT_TRUE(absl::IsAlreadyExists(lab_->AddPod("a", {Ip("10.42.0.9")})));
  EXPECT_TRUE(absl::IsAlreadyExists(
      lab_->AddPod("c", {Ip("10.42.0.9"), PodA(Family::kIPv4)})));
  EXPECT_EQ(lab_->OwnerOf(Ip("10.42.0.9")), nullptr);
  Succeed(lab_->AddPod("c", {Ip("10.42.0.9")}));
}

TEST_F(PacketLabTest, WorkOnNodeMayBindTheNodesAddress) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x0a2a0001);  // 10.42.0.1
  int bound = -1;
  Succeed(lab_->RunOnNode([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    close(fd);
  }));
  EXPECT_EQ(bound, 0);
}

TEST_F(PacketLabTest, SixtyPodsReachEachOther) {
  const absl::Time start = absl::Now();
  std::vector<IpAddress> pods;
  for (int i = 0; i < 60; ++i) {
    pods.push_back(Ip(absl::StrCat("10.42.0.", 100 + i)));
    Succeed(lab_->AddPod(absl::StrCat("pod-", i), {pods.back()}));
  }
  const absl::Time built = absl::Now();
  std::vector<ProbeSpec> specs;
  for (const IpAddress& from : pods) {
    for (const IpAddress& to : pods) {
      for (uint8_t protocol : TransportProtocols()) {
        specs.push_back({from, to, protocol, 80});
      }
    }
  }
  ExpectOutcomes(
      specs, std::vector<ProbeOutcome>(specs.size(), ProbeOutcome::kAllowed));
  const absl::Duration took = absl::Now() - built;
  std::cout << "60 pods in " << built - start << ", " << specs.size()
            << " probes in " << took << ": "
            << static_cast<double>(specs.size()) / absl::ToDoubleMinutes(took)
            << " probes a minute\n";
}

}  // namespace
}  // namespace netpol
