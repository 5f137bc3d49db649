// On random clusters, the verdict that is explained is the API's, and the rules
// do what the explanation says.
#include <netinet/in.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/kernel_walk.h"
#include "netpol/explain/policy_verdict.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/random_rounds.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/explain/told_cluster.h"

namespace netpol {
namespace {

constexpr int kPackets = 80;
// Every port of one packet costs as much as thousands of packets.
constexpr int kRoundsPerEveryPort = 8;

PathQuestion QuestionOf(const Packet& packet, const NodeView& view) {
  PathQuestion question;
  question.source = packet.source;
  question.destination = packet.destination;
  question.protocol = packet.protocol;
  question.port = packet.destination_port;
  question.source_is_node = IsAddressOf(view, packet.source);
  question.destination_is_node = IsAddressOf(view, packet.destination);
  return question;
}

LayoutOptions EnforcingBoth(IcmpMode icmp, bool default_deny) {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  // Few pods here are selected by so many as would be joined else.
  layout.most_chains_in_a_row = 2;
  layout.icmp = icmp;
  layout.default_deny = default_deny;
  return layout;
}

// One random cluster, told.
struct Round {
  explicit Round(uint64_t seed, IcmpMode icmp = IcmpMode::kKubeRouter,
                 bool default_deny = false)
      : random(seed), told(EnforcingBoth(icmp, default_deny)) {
    cluster = RandomCluster(random, options);
    packets = RandomPackets(random, cluster, options, kPackets);
    told.Tell(ListingOf(cluster));
    // Of which most addresses of the options are, and not all are pods'.
    k8s::Node node;
    node.mutable_metadata()->set_name(options.node);
    for (const char* cidr : {"10.42.0.0/16", "fd00:42::/32"})
      node.mutable_spec()->add_pod_cidrs(cidr);
    if (default_deny) told.Tell(Upsert(node));
    wanted = told.WantedKernel();
    view = ViewOf(options);
  }

  Random random;
  RandomClusterOptions options;
  Cluster cluster;
  std::vector<Packet> packets;
  ToldCluster told;
  Snapshot wanted;
  NodeView view;
};

class ExplainRandomTest : public testing::Test {
 protected:
  // Of one packet: by the API, by the explanation, by the rules.
  static void Compare(const Round& round, const KernelWalk& walk,
                      const Packet& packet) {
    const PathQuestion question = QuestionOf(packet, round.view);
    const PathVerdict verdict =
        JudgePath(round.told.state(), round.told.layout(), question);
    const bool here = Answers(verdict.allowed_here(), question);
    if (verdict.egress.cause != SideCause::kServiceAddress) {
      const Verdict right = Evaluate(round.cluster, round.view, packet);
      ASSERT_EQ(here, right.allowed) << packet << ": " << right.reason << "\n"
                                     << Describe(round.cluster);
    }
    const KernelVerdict kernel = walk.Follow(question, *question.port);
    ASSERT_EQ(here, kernel.allowed()) << packet << "\n"
                                      << Describe(round.cluster);
    ASSERT_EQ(kernel.decided_by.has_value(),
              kernel.outcome != Outcome::kFellThrough);
  }

  static void CompareEveryPort(const Round& round, const KernelWalk& walk,
                               const Packet& packet) {
    PathQuestion question = QuestionOf(packet, round.view);
    question.port.reset();
    const PathVerdict verdict =
        JudgePath(round.told.state(), round.told.layout(), question);
    ASSERT_EQ(verdict.allowed_here(), walk.AllowedPorts(question))
        << packet << "\n"
        << Describe(round.cluster);
  }
};

TEST_F(ExplainRandomTest, ExplanationIsTheApisVerdictAndTheKernelAgrees) {
  const int rounds = Rounds(40);
  int denied = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + rounds; ++seed) {
    SCOPED_TRACE(seed);
    const Round round(static_cast<uint64_t>(seed));
    const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(round.wanted);
    ASSERT_TRUE(walk.ok()) << walk.status();
    for (const Packet& packet : round.packets) {
      ASSERT_NO_FATAL_FAILURE(Compare(round, *walk, packet));
      denied += !Evaluate(round.cluster, round.view, packet).allowed;
    }
    if (seed % kRoundsPerEveryPort == 0) {
      ASSERT_NO_FATAL_FAILURE(
          CompareEveryPort(round, *walk, round.packets.front()));
    }
  }
  // Both verdicts must have been looked at.
  EXPECT_GT(denied, rounds * kPackets / 20);
  EXPECT_LT(denied, rounds * kPackets * 19 / 20);
}

TEST_F(ExplainRandomTest, AllowedPortsAreThoseOfQuestionsWithAPort) {
  const int rounds = Rounds(20);
  for (int seed = FirstSeed(); seed < FirstSeed() + rounds; ++seed) {
    SCOPED_TRACE(seed);
    const Round round(static_cast<uint64_t>(seed));
    for (const Packet& packet : round.packets) {
      PathQuestion question = QuestionOf(packet, round.view);
      const PathVerdict one =
          JudgePath(round.told.state(), round.told.layout(), question);
      question.port.reset();
      const PathVerdict every =
          JudgePath(round.told.state(), round.told.layout(), question);
      ASSERT_EQ(one.allowed().Contains(packet.destination_port),
                every.allowed().Contains(packet.destination_port))
          << packet << "\n"
          << Describe(round.cluster);
    }
  }
}

// As QuestionOf(), but for an echo request.
PathQuestion EchoRequest(const Packet& packet, const NodeView& view) {
  PathQuestion question = QuestionOf(packet, view);
  question.port.reset();
  question.protocol = packet.source.family == Family::kIPv4
                          ? uint8_t{IPPROTO_ICMP}
                          : uint8_t{IPPROTO_ICMPV6};
  return question;
}

// How often the explanation of `question` is a denial by `cause`; the rules
// must say the same.
int CountCause(const Round& round, const KernelWalk& walk,
               const PathQuestion& question, SideCause cause) {
  const PathVerdict verdict =
      JudgePath(round.told.state(), round.told.layout(), question);
  const bool here = Answers(verdict.allowed_here(), question);
  EXPECT_EQ(here, walk.Follow(question, question.port.value_or(0)).allowed())
      << question.source << " -> " << question.destination << " protocol "
      << int{question.protocol} << " port " << question.port.value_or(0)
      << (question.source_is_node ? " from the node" : "")
      << (question.destination_is_node ? " to the node" : "") << "\n"
      << Describe(round.cluster);
  return (verdict.egress.cause == cause) + (verdict.ingress.cause == cause);
}

TEST_F(ExplainRandomTest, EchoRequestsAreJudgedAsTheRulesDo) {
  const int rounds = Rounds(10);
  for (IcmpMode icmp : {IcmpMode::kKubeRouter, IcmpMode::kPolicy}) {
    int denied = 0;
    for (int seed = FirstSeed(); seed < FirstSeed() + rounds; ++seed) {
      SCOPED_TRACE(seed);
      const Round round(static_cast<uint64_t>(seed), icmp);
      const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(round.wanted);
      ASSERT_TRUE(walk.ok()) << walk.status();
      for (const Packet& packet : round.packets) {
        denied += CountCause(round, *walk, EchoRequest(packet, round.view),
                             SideCause::kNoRuleMatches);
        ASSERT_FALSE(HasFailure());
      }
    }
    EXPECT_EQ(denied > 0, icmp == IcmpMode::kPolicy);
  }
}

TEST_F(ExplainRandomTest, DefaultDenyIsExplainedAsTheRulesDo) {
  const int rounds = Rounds(15);
  int refused = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + rounds; ++seed) {
    SCOPED_TRACE(seed);
    const Round round(static_cast<uint64_t>(seed), IcmpMode::kKubeRouter,
                      /*default_deny=*/true);
    const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(round.wanted);
    ASSERT_TRUE(walk.ok()) << walk.status();
    for (const Packet& packet : round.packets) {
      // An address that talks to itself is no matter of the default deny.
      if (packet.source == packet.destination) continue;
      for (const PathQuestion& question :
           {QuestionOf(packet, round.view), EchoRequest(packet, round.view)}) {
        refused += CountCause(round, *walk, question, SideCause::kUnknownPod);
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  EXPECT_GT(refused, rounds);
}

}  // namespace
}  // namespace netpol
