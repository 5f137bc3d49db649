// Rules of other programs in the table that the controller writes: who writes
// at the same time (C083), what the host decides itself (C085), what was
// damaged (C087).
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kForwardHook[] =
    "-A FORWARD -m comment --comment \"kube-router netpol - "
    "TEMCG2JMHZYE7H7T\" -j KUBE-ROUTER-FORWARD";

// Adds a rule to SITE-RULES and takes it out again, until told to stop or until
// a rule is not as it was left.
class SiteRulesWriter {
 public:
  explicit SiteRulesWriter(const PacketLab& lab)
      : lab_(lab), thread_([this] { Run(); }) {}
  ~SiteRulesWriter() { Stop(); }

  int rounds() const { return rounds_; }
  // What went wrong, or nothing.
  std::string Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return trouble_;
  }
  bool failed() const { return failed_; }

 private:
  void Run() {
    for (int i = 0; !stop_ && !failed_; ++i) {
      const std::string address = absl::StrCat("192.0.2.", i % 200, "/32");
      Iptables("-A", address);
      Expect({"-A SITE-RULES -s 192.0.2.250/32 -j DROP",
              absl::StrCat("-A SITE-RULES -s ", address, " -j DROP")});
      Iptables("-D", address);
      Expect({"-A SITE-RULES -s 192.0.2.250/32 -j DROP"});
      ++rounds_;
    }
  }

  void Iptables(const std::string& command, const std::string& address) {
    Program program;
    program.argv =
        absl::StrSplit(absl::StrCat(LabTool("iptables"), " -w ", command,
                                    " SITE-RULES -s ", address, " -j DROP"),
                       ' ');
    Check(lab_.ExecOnNode(program), absl::StrCat(command, " ", address));
  }

  void Expect(const std::vector<std::string>& rules) {
    Program program;
    program.argv = {LabTool("iptables"), "-w", "-S", "SITE-RULES"};
    const absl::StatusOr<ProgramResult> result = lab_.ExecOnNode(program);
    const std::string wanted =
        absl::StrCat("-N SITE-RULES\n", absl::StrJoin(rules, "\n"), "\n");
    Check(result, "-S");
    if (result.ok() && result->out != wanted) {
      Fail(absl::StrCat("wanted\n", wanted, "found\n", result->out));
    }
  }

  void Check(const absl::StatusOr<ProgramResult>& result,
             const std::string& what) {
    if (!result.ok()) {
      Fail(absl::StrCat(what, ": ", result.status().ToString()));
    } else if (result->exit_code != 0) {
      Fail(absl::StrCat(what, ": ", result->err));
    }
  }

  void Fail(const std::string& trouble) {
    if (!failed_) trouble_ = trouble;
    failed_ = true;
  }

  const PacketLab& lab_;
  std::string trouble_;  // Of thread_, until it has ended.
  std::atomic<bool> failed_{false};
  std::atomic<bool> stop_{false};
  std::atomic<int> rounds_{0};
  std::thread thread_;
};

class ForeignRulesTest : public NeighbourNodeTest {
 protected:
  // Every other time there is one chain more.
  v1::WatchEvent Toggle(int round) {
    const k8s::NetworkPolicy policy =
        PolicyBuilder("share", "now-and-then")
            .Ingress({BlockPeer("192.0.2.0/24")}, {NumberPort("TCP", 8080)})
            .Build();
    return round % 2 == 0 ? Upsert(policy) : Delete(policy);
  }
};

TEST_F(ForeignRulesTest, AnotherWriterLosesNoRuleDuring100Syncs) {
  constexpr int kSyncs = 100;
  constexpr int kRounds = 20;
  Iptables("-N SITE-RULES");
  Iptables("-A SITE-RULES -s 192.0.2.250/32 -j DROP");
  Iptables("-A FORWARD -j SITE-RULES");
  EnforceCase("C083");
  SiteRulesWriter writer(lab());
  uint64_t commits = 0;
  int syncs = 0;
  for (; !writer.failed() && (syncs < kSyncs || writer.rounds() < kRounds);
       ++syncs) {
    Tell(Toggle(syncs));
    commits += Sync().writes.table_commits;
  }
  EXPECT_EQ(writer.Stop(), "");
  EXPECT_GE(commits, static_cast<uint64_t>(syncs));
  RecordProperty("syncs", syncs);
  RecordProperty("rounds", writer.rounds());
  EXPECT_THAT(RulesOf("SITE-RULES"),
              ElementsAre("-A SITE-RULES -s 192.0.2.250/32 -j DROP"));
  ExpectVerdicts(ReadIt("C083").steps.back().checks);
}

TEST_F(ForeignRulesTest, ACommitNamesNoChainButOurs) {
  Iptables("-N SITE-RULES");
  Iptables("-A FORWARD -j SITE-RULES");
  StartController();
  ASSERT_NO_FATAL_FAILURE(TellStep(ReadIt("C083"), 0));
  absl::StatusOr<Plan> plan;
  OnNode([&] { plan = controller().Preview(); });
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_THAT(plan->tables, SizeIs(2));
  for (const PlannedTable& table : plan->tables) {
    const TableChange change = table.ToChange();
    EXPECT_THAT(change.write, SizeIs(testing::Ge(6u)));
    EXPECT_THAT(change.remove, IsEmpty());
    for (const Chain& chain : change.write)
      EXPECT_TRUE(ChainName::IsOurs(chain.name.value())) << chain.name;
  }
}

// Those of ours may begin anew where a chain is written.
TEST_F(ForeignRulesTest, RulesOfOthersKeepTheirCounters) {
  const auto restore = [this](const std::string& lines) {
    Tool({LabTool("iptables-restore"), "-c", "--noflush"},
         absl::StrCat("*filter\n", lines, "COMMIT\n"));
  };
  restore(
      ":SITE-RULES -\n"
      "[9:540] -A FORWARD -s 192.0.2.66/32 -j SITE-RULES\n"
      "[7:420] -A SITE-RULES -s 192.0.2.66/32 -j DROP\n");
  EnforceCase("C083");
  restore("[3:180] -I FORWARD 1 -s 192.0.2.77/32 -j SITE-RULES\n");
  EXPECT_GE(Resync().writes.table_commits, 1u);
  EXPECT_EQ(RulesOf("FORWARD").front(), kForwardHook);
  for (int round = 0; round < 4; ++round) {
    Tell(Toggle(round));
    EXPECT_GE(Sync().writes.table_commits, 1u);
  }
  EXPECT_THAT(LinesWith(KernelText(), "SITE-RULES"),
              ElementsAre(":SITE-RULES -",
                          "[3:180] -A FORWARD -s 192.0.2.77/32 -j SITE-RULES",
                          "[9:540] -A FORWARD -s 192.0.2.66/32 -j SITE-RULES",
                          "[7:420] -A SITE-RULES -s 192.0.2.66/32 -j DROP"));
}

// Whoever set the host's own verdict on forwarded packets keeps it for packets
// that are not of pods; for those of pods it must not matter.
TEST_F(ForeignRulesTest, AForwardPolicyOfDropHitsOnlyWhatIsNotOfPods) {
  StartController();
  const IpAddress outside = *IpAddress::Parse("198.51.100.1");
  ASSERT_TRUE(lab().AddPod("neighbour", {outside}).ok());
  const CaseCheck through = {"203.0.113.1", "198.51.100.1", IPPROTO_TCP, 80,
                             false};
  EXPECT_TRUE(Passes(through)) << "the host does not forward at all";
  Iptables("-P FORWARD DROP");
  EnforceCase("C085");
  ExpectVerdicts({through});
  // Back from the world, and with the pods' address as the far end.
  ExpectVerdicts({{"198.51.100.1", "203.0.113.1", IPPROTO_TCP, 80, false},
                  {"198.51.100.1", "fw/free", IPPROTO_TCP, 80, true},
                  {"fw/free", "198.51.100.1", IPPROTO_TCP, 80, true}});
}

struct Damage {
  const char* name;
  std::vector<std::string> commands;  // arguments of iptables
  bool opens;                         // A refused packet gets through.
};

std::vector<Damage> Damages() {
  const std::string pod_chain =
      PodChain({"flush", "s"}, Direction::kIngress, Family::kIPv4).value();
  return {
      {"AllChainsDeleted", {"-F", "-X"}, true},
      {"ForwardJumpDeleted", {"-D FORWARD 1"}, true},
      {"ForwardJumpLast",
       {"-D FORWARD 1", "-A FORWARD -p tcp -j ACCEPT",
        "-A FORWARD -j KUBE-ROUTER-FORWARD"},
       true},
      {"PodChainEmptied", {absl::StrCat("-F ", pod_chain)}, true},
      {"JumpBehindAForeignRule", {"-I FORWARD 1 -p udp -j ACCEPT"}, false},
  };
}

class DamageTest : public ForeignRulesTest,
                   public testing::WithParamInterface<Damage> {};

TEST_P(DamageTest, IsMendedByTheNextResync) {
  EnforceCase("C087");
  const std::vector<CaseCheck> checks = ReadIt("C087").steps.back().checks;
  const std::string before = FilterTable();
  const std::vector<std::string> ours = LinesWith(before, "KUBE-");
  for (const std::string& command : GetParam().commands) Iptables(command);
  EXPECT_EQ(Passes(checks.front()), GetParam().opens);
  EXPECT_GE(Resync().writes.table_commits, 1u);
  ExpectVerdicts(checks);
  EXPECT_EQ(RulesOf("FORWARD").front(), kForwardHook);
  EXPECT_EQ(LinesWith(FilterTable(), "KUBE-"), ours);
  EXPECT_EQ(Resync().writes.total(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Damages, DamageTest, testing::ValuesIn(Damages()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace netpol
