#include "tests/kernel/take_over/kube_router_layout.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/node_programs.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;

k8s::Pod Web0(bool both_families) {
  PodBuilder pod("shop", "web-0");
  pod.On("node-a").Ip("10.42.0.10").Label("app", "web").Phase("Running");
  if (both_families) pod.Ip("fd00:42::a");
  return pod.Port("http", 8080, "TCP").Build();
}

k8s::Pod Db0() {
  return PodBuilder("shop", "db-0")
      .On("node-a")
      .Ip("10.42.0.11")
      .Label("app", "db")
      .Phase("Running")
      .Build();
}

k8s::Pod Probe() {
  return PodBuilder("ops", "probe")
      .On("node-b")
      .Ip("10.42.1.7")
      .Label("role", "probe")
      .Phase("Running")
      .Build();
}

Cluster Of(const std::vector<k8s::Pod>& pods,
           const std::vector<k8s::NetworkPolicy>& policies) {
  return {{MakeNamespace("shop"), MakeNamespace("ops", {{"team", "ops"}})},
          pods,
          policies};
}

PolicyBuilder OfWeb(absl::string_view name) {
  PolicyBuilder policy("shop", name);
  policy.Selects({{"app", "web"}});
  return policy;
}

Cluster Denying() {
  return Of({Web0(true)}, {OfWeb("deny-all").Types({"Ingress"}).Build()});
}

Cluster AllowingPods() {
  const auto ops = PodInNamespacePeer(MatchLabels({{"team", "ops"}}),
                                      MatchLabels({{"role", "probe"}}));
  return Of(
      {Web0(false), Probe()},
      {OfWeb("web-in")
           .Types({"Ingress"})
           .Ingress({ops}, {NumberPort("TCP", 80), RangePort("TCP", 8000, 8010),
                            ProtocolPort("UDP"), NamePort("TCP", "http")})
           .Build()});
}

Cluster AllowingBlocks() {
  return Of(
      {Web0(false)},
      {OfWeb("cidr-in")
           .Types({"Ingress"})
           .Ingress({BlockPeer("0.0.0.0/0", {"10.9.0.0/16", "192.0.2.5/32"})},
                    {NumberPort("TCP", 443)})
           .Build()});
}

Cluster AllowingEgress() {
  return Of({Web0(false), Db0()},
            {OfWeb("web-out")
                 .Types({"Egress"})
                 .Egress({PodPeer(MatchLabels({{"app", "db"}}))},
                         {NumberPort("TCP", 5432)})
                 .Egress({}, {NumberPort("UDP", 53)})
                 .Egress({BlockPeer("172.16.0.0/12")})
                 .Build(),
             PolicyBuilder("shop", "db-both")
                 .Selects({{"app", "db"}})
                 .Types({"Ingress", "Egress"})
                 .Ingress()
                 .Build()});
}

KubeRouterOptions Options() {
  KubeRouterOptions options;
  options.node = "node-a";
  return options;
}

KubeRouterOptions AllOptions() {
  KubeRouterOptions options = Options();
  options.pod_cidrs = {"10.42.0.0/24"};
  options.external_ip_ranges = {"198.51.100.0/24"};
  options.load_balancer_ip_ranges = {"203.0.113.0/24"};
  return options;
}

std::string Stored(absl::string_view name) {
  std::ifstream file(
      absl::StrCat("tests/kernel/take_over/data/kube-router-", name));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Chains first and sorted; rules in order within each chain.
Lines TableLines(absl::string_view saved) {
  Lines lines;
  for (absl::string_view line :
       absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
    if (line[0] == ':' || line[0] == '-') {
      lines.emplace_back(line.substr(0, line.find(" [")));
    }
  }
  const auto chain = [](const std::string& line) {
    const Lines words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
    return line[0] == ':' ? "" : words[1];
  };
  const auto rules =
      std::partition(lines.begin(), lines.end(),
                     [](const std::string& line) { return line[0] == ':'; });
  std::sort(lines.begin(), rules);
  std::stable_sort(rules, lines.end(),
                   [&](const std::string& a, const std::string& b) {
                     return chain(a) < chain(b);
                   });
  return lines;
}

// Without what differs from one kernel and program to another.
Lines SetLines(absl::string_view saved) {
  Lines lines;
  for (absl::string_view line :
       absl::StrSplit(saved, '\n', absl::SkipEmpty())) {
    lines.emplace_back(line.substr(0, line.find(" bucketsize")));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

class KubeRouterLayoutTest : public LabFixture,
                             public testing::WithParamInterface<Flavour> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<NetNs> ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    ns_.emplace(*std::move(ns));
  }

  void LayDown(const Cluster& cluster, const KubeRouterOptions& options) {
    const absl::Status laid =
        Lay(KubeRouterLayout(cluster, options), GetParam(), *ns_);
    ASSERT_TRUE(laid.ok()) << laid;
  }

  Lines SavedTable(Family family) {
    const absl::StatusOr<std::string> saved = RunOn(
        *ns_, {TablesProgram(GetParam(), family, "-save"), "-t", "filter"});
    EXPECT_TRUE(saved.ok()) << saved.status();
    return TableLines(saved.ok() ? *saved : "");
  }

  Lines SavedSets() {
    const absl::StatusOr<std::string> saved = RunOn(*ns_, {"ipset", "save"});
    EXPECT_TRUE(saved.ok()) << saved.status();
    return SetLines(saved.ok() ? *saved : "");
  }

  absl::optional<NetNs> ns_;
};

TEST_P(KubeRouterLayoutTest, DenialIsWrittenWordForWord) {
  LayDown(Denying(), Options());
  EXPECT_THAT(SavedTable(Family::kIPv4),
              ElementsAreArray(TableLines(Stored("deny-v4.rules"))));
  EXPECT_THAT(SavedTable(Family::kIPv6),
              ElementsAreArray(TableLines(Stored("deny-v6.rules"))));
  EXPECT_THAT(SavedSets(), ElementsAreArray(SetLines(Stored("deny.sets"))));
}

// One family's sets are stored.
Lines OfIPv4(Lines lines) {
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [](const std::string& line) {
                               return absl::StrContains(line, " inet6:");
                             }),
              lines.end());
  return lines;
}

TEST_P(KubeRouterLayoutTest, PodsAndPortsAreWrittenWordForWord) {
  LayDown(AllowingPods(), Options());
  EXPECT_THAT(SavedTable(Family::kIPv4),
              ElementsAreArray(TableLines(Stored("pods-v4.rules"))));
  EXPECT_THAT(OfIPv4(SavedSets()),
              ElementsAreArray(SetLines(Stored("pods.sets"))));
}

TEST_P(KubeRouterLayoutTest, BlocksAreWrittenWordForWord) {
  LayDown(AllowingBlocks(), Options());
  EXPECT_THAT(SavedTable(Family::kIPv4),
              ElementsAreArray(TableLines(Stored("blocks-v4.rules"))));
  EXPECT_THAT(OfIPv4(SavedSets()),
              ElementsAreArray(SetLines(Stored("blocks.sets"))));
}

TEST_P(KubeRouterLayoutTest, EgressAndDefaultDenyAreWrittenWordForWord) {
  LayDown(AllowingEgress(), AllOptions());
  EXPECT_THAT(SavedTable(Family::kIPv4),
              ElementsAreArray(TableLines(Stored("egress-v4.rules"))));
  EXPECT_THAT(OfIPv4(SavedSets()),
              ElementsAreArray(SetLines(Stored("egress.sets"))));
}

TEST_P(KubeRouterLayoutTest, OldReleaseHasLongCommentsAndNoTail) {
  KubeRouterOptions options = Options();
  options.release = KubeRouterRelease::kV2_6;
  LayDown(AllowingPods(), options);
  const Lines lines = SavedTable(Family::kIPv4);
  EXPECT_THAT(lines, Not(Contains(AnyOf(HasSubstr("KUBE-NWPLCY-TAIL"),
                                        HasSubstr("-p sctp")))));
  for (absl::string_view comment :
       {"rule to jump traffic destined to POD name:web-0 namespace: shop to "
        "chain KUBE-POD-FW-73TH3XCTPN7ZVLZ2",
        "common bi-directional traffic policy rules",
        "run through nw policy web-in",
        "rule to REJECT traffic destined for POD name:web-0 namespace: shop",
        "rule to ACCEPT traffic from source pods to dest pods selected by "
        "policy name web-in namespace shop"}) {
    EXPECT_THAT(lines, Contains(HasSubstr(absl::StrCat("\"", comment, "\""))));
  }
}

TEST_P(KubeRouterLayoutTest, ReleasesInBetweenGainSctpThenTheTail) {
  KubeRouterOptions options = Options();
  options.release = KubeRouterRelease::kV2_8;
  LayDown(Denying(), options);
  EXPECT_THAT(SavedTable(Family::kIPv6), Contains(HasSubstr("-p sctp")));
  EXPECT_THAT(SavedTable(Family::kIPv6), Not(Contains(HasSubstr("-TAIL"))));
  options.release = KubeRouterRelease::kV2_10;
  LayDown(Denying(), options);
  EXPECT_THAT(SavedTable(Family::kIPv6), Contains(HasSubstr("-TAIL")));
  EXPECT_THAT(SavedTable(Family::kIPv6),
              Contains(HasSubstr("run through nw policy deny-all")));
}

INSTANTIATE_TEST_SUITE_P(Flavours, KubeRouterLayoutTest,
                         testing::ValuesIn(kFlavours), [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

}  // namespace
}  // namespace netpol
