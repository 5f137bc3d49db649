#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

Pod Parsed(const k8s::Pod& wire) {
  absl::StatusOr<Pod> pod = ParsePod(wire);
  EXPECT_TRUE(pod.ok()) << pod.status();
  return pod.ok() ? *pod : Pod();
}

TEST(ParseNamespaceTest, NameLabelIsAddedWhereItIsMissing) {
  const auto ns = ParseNamespace(MakeNamespace("red", {{"team", "a"}}));
  ASSERT_TRUE(ns.ok());
  EXPECT_EQ(ns->name, "red");
  EXPECT_EQ(ns->labels,
            LabelsOf({{"team", "a"}, {"kubernetes.io/metadata.name", "red"}}));
}

TEST(ParseNamespaceTest, WithoutANameIsRefused) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(ParseNamespace(k8s::Namespace()).status()));
}

TEST(ParsePodTest, FieldsAreTaken) {
  const Pod pod = Parsed(PodBuilder("red", "web-0")
                             .On("node-a")
                             .Ip("10.42.0.5")
                             .Ip("fd00:42::5")
                             .Label("app", "web")
                             .Port("http", 8080)
                             .Created(1700000000)
                             .Uid("uid-1")
                             .Build());
  EXPECT_EQ(pod.key, (ObjectKey{"red", "web-0"}));
  EXPECT_EQ(pod.node_name, "node-a");
  EXPECT_EQ(pod.addresses,
            (std::vector<IpAddress>{Ip("10.42.0.5"), Ip("fd00:42::5")}));
  EXPECT_EQ(pod.labels, LabelsOf({{"app", "web"}}));
  EXPECT_EQ(pod.ports, (std::vector<NamedPort>{{"http", IPPROTO_TCP, 8080}}));
  EXPECT_EQ(pod.created_seconds, 1700000000);
  EXPECT_EQ(pod.uid, "uid-1");
}

TEST(ParsePodTest, WithoutNameOrNamespaceIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParsePod(PodBuilder("red", "").Build()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParsePod(PodBuilder("", "web-0").Build()).status()));
}

TEST(ParsePodTest, OldFieldServesWhereTheListIsMissing) {
  EXPECT_EQ(Parsed(PodBuilder("red", "p").OldIp("10.42.0.5").Build()).addresses,
            std::vector<IpAddress>{Ip("10.42.0.5")});
}

TEST(ParsePodTest, AddressGivenTwiceCountsOnce) {
  EXPECT_EQ(Parsed(PodBuilder("red", "p")
                       .OldIp("10.42.0.5")
                       .Ip("10.42.0.5")
                       .Ip("::ffff:10.42.0.5")
                       .Build())
                .addresses,
            std::vector<IpAddress>{Ip("10.42.0.5")});
}

TEST(ParsePodTest, UnreadableAddressIsLeftOut) {
  EXPECT_EQ(
      Parsed(PodBuilder("red", "p").Ip("no address").Ip("10.42.0.5").Build())
          .addresses,
      std::vector<IpAddress>{Ip("10.42.0.5")});
}

TEST(ParsePodTest, PodThatPoliciesDoNotSeeHasNoAddress) {
  EXPECT_TRUE(
      Parsed(PodBuilder("red", "p").Ip("10.0.0.1").HostNetwork().Build())
          .addresses.empty());
  for (const char* phase : {"Succeeded", "Failed"}) {
    EXPECT_TRUE(
        Parsed(PodBuilder("red", "p").Ip("10.42.0.5").Phase(phase).Build())
            .addresses.empty())
        << phase;
  }
}

TEST(ParsePodTest, PodThatStillRunsKeepsItsAddress) {
  EXPECT_EQ(Parsed(PodBuilder("red", "p").Ip("10.42.0.5").Terminating().Build())
                .addresses.size(),
            1u);
  for (const char* phase : {"Pending", "Running", "Unknown", ""}) {
    EXPECT_EQ(
        Parsed(PodBuilder("red", "p").Ip("10.42.0.5").Phase(phase).Build())
            .addresses.size(),
        1u)
        << phase;
  }
}

TEST(ParsePodTest, SidecarPortsCountAndThoseOfEndedInitContainersDoNot) {
  const Pod pod = Parsed(PodBuilder("red", "p")
                             .Ip("10.42.0.5")
                             .Port("http", 80)
                             .InitPort(true, "metrics", 9100)
                             .InitPort(false, "setup", 9200)
                             .Build());
  EXPECT_EQ(pod.ports,
            (std::vector<NamedPort>{{"http", IPPROTO_TCP, 80},
                                    {"metrics", IPPROTO_TCP, 9100}}));
}

TEST(ParsePodTest, ProtocolsOfPorts) {
  const Pod pod = Parsed(PodBuilder("red", "p")
                             .Ip("10.42.0.5")
                             .Port("a", 1, "TCP")
                             .Port("b", 2, "UDP")
                             .Port("c", 3, "SCTP")
                             .Port("d", 4)
                             .Build());
  EXPECT_EQ(pod.ports, (std::vector<NamedPort>{{"a", IPPROTO_TCP, 1},
                                               {"b", IPPROTO_UDP, 2},
                                               {"c", IPPROTO_SCTP, 3},
                                               {"d", IPPROTO_TCP, 4}}));
}

TEST(ParsePodTest, PortsThatCannotBeNamedAreLeftOut) {
  EXPECT_TRUE(Parsed(PodBuilder("red", "p")
                         .Ip("10.42.0.5")
                         .Port("", 80)
                         .Port("zero", 0)
                         .Port("big", 65536)
                         .Port("negative", -1)
                         .Port("odd", 80, "ICMP")
                         .Build())
                  .ports.empty());
}

TEST(ParsePodTest, NameWithSeveralNumbersKeepsAll) {
  const Pod pod = Parsed(PodBuilder("red", "p")
                             .Ip("10.42.0.5")
                             .Port("http", 80)
                             .InitPort(true, "http", 8080)
                             .Build());
  EXPECT_EQ(pod.ports.size(), 2u);
}

}  // namespace
}  // namespace netpol
