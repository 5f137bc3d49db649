#include "netpol/dataplane/host/flavour_detection.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/dataplane/host/flavour_traces.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::vector<Family>& Both() {
  static const auto* const kBoth =
      new std::vector<Family>{Family::kIPv4, Family::kIPv6};
  return *kBoth;
}

// Names of all legacy tables that are there.
std::string LegacyTables() {
  return Shell(
      "cat /proc/self/net/ip_tables_names "
      "/proc/self/net/ip6_tables_names");
}

class FlavourDetectionTest : public testing::TestWithParam<Flavour> {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
    setenv("XTABLES_LOCKFILE",
           absl::StrCat(testing::TempDir(), "/xtables.lock").c_str(), 1);
  }

  // `arguments` of iptables, of each line, in `flavour`.
  static void Iptables(Flavour flavour,
                       const std::vector<std::string>& arguments,
                       const std::string& program = "iptables") {
    for (const std::string& each : arguments) {
      Shell(absl::StrCat(program, "-", FlavourName(flavour), " -w ", each));
    }
  }

  static void Kubelet(Flavour flavour) {
    for (const std::string program : {"iptables", "ip6tables"}) {
      Iptables(flavour,
               {"-t mangle -N KUBE-IPTABLES-HINT",
                "-t mangle -N KUBE-KUBELET-CANARY", "-N KUBE-FIREWALL",
                "-I OUTPUT -j KUBE-FIREWALL"},
               program);
    }
  }
  static void KubeProxy(Flavour flavour) {
    Iptables(flavour, {"-t mangle -N KUBE-PROXY-CANARY", "-N KUBE-FORWARD",
                       "-A FORWARD -j KUBE-FORWARD", "-t nat -N KUBE-SERVICES",
                       "-t nat -A PREROUTING -j KUBE-SERVICES",
                       "-t nat -N KUBE-SVC-AAAAAAAAAAAAAAAA"});
  }
  static void KubeRouter(Flavour flavour) {
    Iptables(flavour,
             {"-N KUBE-ROUTER-FORWARD", "-N KUBE-POD-FW-AAAAAAAAAAAAAAAA",
              "-A KUBE-ROUTER-FORWARD -j KUBE-POD-FW-AAAAAAAAAAAAAAAA",
              "-I FORWARD 1 -j KUBE-ROUTER-FORWARD"});
  }
  static void Flannel(Flavour flavour) {
    Iptables(flavour, {"-N FLANNEL-FWD", "-A FORWARD -j FLANNEL-FWD",
                       "-t nat -N FLANNEL-POSTRTG",
                       "-t nat -A POSTROUTING -j FLANNEL-POSTRTG"});
  }
  static void Docker(Flavour flavour) {
    Iptables(flavour,
             {"-N DOCKER", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER",
              "-A FORWARD -o docker0 -j DOCKER", "-t nat -N DOCKER",
              "-t nat -A PREROUTING -j DOCKER"});
  }

  static Flavour Asked() { return GetParam(); }
  static Flavour Other() { return OtherFlavour(GetParam()); }
};

TEST_P(FlavourDetectionTest, KubeletDecidesWhateverElseIsThere) {
  Kubelet(Asked());
  KubeProxy(Other());
  Docker(Other());
  KubeRouter(Other());
  Flannel(Other());
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(choice.flavour, Asked()) << choice.reason;
  EXPECT_THAT(choice.reason, HasSubstr("kubelet"));
}

TEST_P(FlavourDetectionTest, WithoutKubeletKubeProxyDecides) {
  KubeProxy(Asked());
  Docker(Other());
  KubeRouter(Other());
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(choice.flavour, Asked()) << choice.reason;
  EXPECT_THAT(choice.reason, HasSubstr("4 against 0"));
}

TEST_P(FlavourDetectionTest, ANetworkPluginDecides) {
  Flannel(Asked());
  Docker(Other());
  EXPECT_EQ(DetectFlavour(Both()).flavour, Asked());
}

TEST_P(FlavourDetectionTest, AfterASwitchTheLivelierOneDecides) {
  // The old one still has the chains that kubelet made there.
  Kubelet(Other());
  Kubelet(Asked());
  KubeProxy(Asked());
  EXPECT_EQ(DetectFlavour(Both()).flavour, Asked());
}

TEST_P(FlavourDetectionTest, WithoutComponentsOthersRulesDecide) {
  Docker(Asked());
  KubeRouter(Other());
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(choice.flavour, Asked()) << choice.reason;
  EXPECT_EQ(choice.of(Asked()).rules, 3u);
  EXPECT_EQ(choice.of(Other()).rules, 0u);
  EXPECT_EQ(choice.of(Other()).our_chains, 2u);
}

TEST_P(FlavourDetectionTest, WhereKubeRouterIsAloneItsFlavourIsKept) {
  KubeRouter(Asked());
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(choice.flavour, Asked()) << choice.reason;
  EXPECT_THAT(choice.reason, HasSubstr("of ours or of kube-router"));
}

TEST_P(FlavourDetectionTest, OnlyTheAskedFamiliesCount) {
  Iptables(Asked(), {"-t mangle -N KUBE-IPTABLES-HINT"}, "ip6tables");
  Iptables(Other(), {"-t mangle -N KUBE-IPTABLES-HINT"}, "iptables");
  EXPECT_EQ(DetectFlavour({Family::kIPv6}).flavour, Asked());
  EXPECT_EQ(DetectFlavour({Family::kIPv4}).flavour, Other());
}

TEST_P(FlavourDetectionTest, TracesAreCountedByWhoMadeThem) {
  Kubelet(Asked());
  KubeRouter(Asked());
  const FlavourTraces traces = Asked() == Flavour::kNft
                                   ? ReadNftTraces({Family::kIPv4})
                                   : ReadLegacyTraces({Family::kIPv4});
  EXPECT_TRUE(traces.works());
  EXPECT_EQ(traces.obstacle, "");
  EXPECT_THAT(traces.hint_chains, UnorderedElementsAre("KUBE-IPTABLES-HINT",
                                                       "KUBE-KUBELET-CANARY"));
  EXPECT_THAT(traces.component_chains,
              UnorderedElementsAre("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY",
                                   "KUBE-FIREWALL"));
  EXPECT_EQ(traces.our_chains, 2u);
  EXPECT_EQ(traces.rules, 1u);
}

INSTANTIATE_TEST_SUITE_P(Flavours, FlavourDetectionTest,
                         testing::ValuesIn(kFlavours), [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

class BareHostTest : public FlavourDetectionTest {
 protected:
  void SetUp() override {
    const char* path = getenv("PATH");
    path_ = path == nullptr ? "" : path;
    FlavourDetectionTest::SetUp();
  }
  void TearDown() override { setenv("PATH", path_.c_str(), 1); }

  // Puts an `iptables` in front that says it is of `version`.
  void ProgramSays(const std::string& version) {
    const std::string folder = absl::StrCat(testing::TempDir(), "/bin");
    mkdir(folder.c_str(), 0755);
    const std::string program = folder + "/iptables";
    std::ofstream(program) << "#!/bin/sh\necho '" << version << "'\n";
    chmod(program.c_str(), 0755);
    setenv("PATH", absl::StrCat(folder, ":", path_).c_str(), 1);
  }

 private:
  std::string path_;
};

TEST_F(BareHostTest, NothingIsMadeByLooking) {
  const std::string before = LegacyTables();
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(LegacyTables(), before);
  EXPECT_EQ(before, "");
  EXPECT_EQ(Shell("nft list ruleset"), "");
  for (Flavour flavour : kFlavours) {
    EXPECT_TRUE(choice.of(flavour).works()) << choice.of(flavour).obstacle;
    EXPECT_THAT(choice.of(flavour).component_chains, IsEmpty());
  }
}

TEST_F(BareHostTest, TablesThatAreThereAreReadAndOthersNotMade) {
  Shell("iptables-legacy -w -t mangle -N KUBE-IPTABLES-HINT");
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_THAT(choice.of(Flavour::kLegacy).hint_chains,
              ElementsAre("KUBE-IPTABLES-HINT"));
  EXPECT_EQ(LegacyTables(), "mangle\n");
}

TEST_F(BareHostTest, TheProgramDecidesByWhatItSays) {
  ProgramSays("iptables v1.8.7 (legacy)");
  EXPECT_EQ(DetectFlavour(Both()).flavour, Flavour::kLegacy);
  ProgramSays("iptables v1.8.9 (nf_tables)");
  EXPECT_EQ(DetectFlavour(Both()).flavour, Flavour::kNft);
  ProgramSays("iptables v1.6.1");
  EXPECT_EQ(ReadProgramFlavour(), Flavour::kLegacy);
  ProgramSays("busybox");
  EXPECT_EQ(ReadProgramFlavour(), absl::nullopt);
}

TEST_F(BareHostTest, RulesOfTheNftCommandDisturbNothing) {
  Shell(
      "nft 'add table ip filter; add chain ip filter FORWARD { type filter "
      "hook forward priority 0; }; add rule ip filter FORWARD tcp dport "
      "{ 1, 2 } accept'");
  Shell("iptables-legacy -w -t mangle -N KUBE-IPTABLES-HINT");
  const FlavourChoice choice = DetectFlavour(Both());
  EXPECT_EQ(choice.flavour, Flavour::kLegacy);
  EXPECT_EQ(choice.of(Flavour::kNft).rules, 1u);
}

TEST_F(BareHostTest, WithoutPrivilegesNeitherCanBeUsed) {
  FlavourChoice choice;
  WithoutPrivileges([&] { choice = DetectFlavour(Both()); });
  EXPECT_FALSE(choice.of(Flavour::kNft).kernel);
  EXPECT_THAT(choice.of(Flavour::kNft).obstacle, HasSubstr("CAP_NET_ADMIN"));
}

}  // namespace
}  // namespace netpol
