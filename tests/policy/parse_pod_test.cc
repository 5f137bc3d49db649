#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"
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
  EXPECT_EQ(*pod.node_name, "node-a");
  EXPECT_EQ(pod.addresses, (PodAddresses{Ip("10.42.0.5"), Ip("fd00:42::5")}));
  EXPECT_EQ(pod.labels, LabelsOf({{"app", "web"}}));
  EXPECT_EQ(*pod.ports, (std::vector<NamedPort>{{"http", IPPROTO_TCP, 8080}}));
  EXPECT_EQ(pod.created_seconds, 1700000000);
}

// ---- Nodes.

Node Parsed(const NodeBuilder& builder) {
  absl::StatusOr<Node> node = ParseNode(builder.Build());
  EXPECT_TRUE(node.ok()) << node.status();
  return node.ok() ? *node : Node();
}

std::vector<std::string> CidrsOf(const NodeBuilder& builder) {
  std::vector<std::string> cidrs;
  for (const IpPrefix& prefix : Parsed(builder).pod_cidrs)
    cidrs.push_back(prefix.ToString());
  return cidrs;
}

constexpr char kCidrs[] = "kube-router.io/pod-cidrs";
using Texts = std::vector<std::string>;

TEST(ParseNodeTest, WithoutANameIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(ParseNode(k8s::Node()).status()));
}

TEST(ParseNodeTest, AddressesAreTakenByTheirTypes) {
  const Node node = Parsed(NodeBuilder("node-a")
                               .Address("172.31.0.1")
                               .Address("198.51.100.1", "ExternalIP")
                               .Address("node-a", "Hostname")
                               .Address("fd00:31::1")
                               .Address("no address")
                               .Address("10.9.9.9", "InternalDNS"));
  EXPECT_EQ(node.name, "node-a");
  EXPECT_EQ(node.internal_addresses,
            (std::vector<IpAddress>{Ip("172.31.0.1"), Ip("fd00:31::1")}));
  EXPECT_EQ(node.external_addresses,
            std::vector<IpAddress>{Ip("198.51.100.1")});
  EXPECT_EQ(node.problems, Texts());
}

TEST(ParseNodeTest, PodCidrsAreTheAnnotationsElseTheListsElseTheOldFields) {
  NodeBuilder node("node-a");
  EXPECT_EQ(CidrsOf(node), Texts());
  node.OldPodCidr("10.40.0.0/24");
  EXPECT_EQ(CidrsOf(node), Texts({"10.40.0.0/24"}));
  node.PodCidr("10.41.0.0/24").PodCidr("fd00:41::/64").PodCidr("10.41.0.9/24");
  EXPECT_EQ(CidrsOf(node), Texts({"10.41.0.0/24", "fd00:41::/64"}));
  node.Annotation(kCidrs, " ");
  EXPECT_EQ(CidrsOf(node), Texts({"10.41.0.0/24", "fd00:41::/64"}));
  node.Annotation(kCidrs, "10.42.0.0/24, fd00:42::/64");
  EXPECT_EQ(CidrsOf(node), Texts({"10.42.0.0/24", "fd00:42::/64"}));
}

TEST(ParseNodeTest, ABadCidrCostsItselfAndIsAProblem) {
  const NodeBuilder listed =
      NodeBuilder("node-a").PodCidr("10.41.0.0/33").PodCidr("10.42.0.0/24");
  EXPECT_EQ(CidrsOf(listed), Texts({"10.42.0.0/24"}));
  ASSERT_EQ(Parsed(listed).problems.size(), 1u);
  EXPECT_EQ(Parsed(listed).problems[0].substr(0, 18), "spec.podCIDRs[0]: ");

  const NodeBuilder noted =
      NodeBuilder("node-a").PodCidr("10.41.0.0/24").Annotation(kCidrs, "what,");
  EXPECT_EQ(CidrsOf(noted), Texts()) << "the annotation counts all the same";
  ASSERT_EQ(Parsed(noted).problems.size(), 2u);
  EXPECT_EQ(Parsed(noted).problems[0].find("annotation kube-router.io"), 0u);
}

TEST(ParsePodTest, PodIpServesWhereNothingOfTheListCanBeRead) {
  EXPECT_EQ(
      Parsed(
          PodBuilder("red", "p").Ip("10.42.0.999").OldIp("10.42.0.5").Build())
          .addresses,
      PodAddresses{Ip("10.42.0.5")});
  EXPECT_EQ(
      Parsed(PodBuilder("red", "p").Ip("10.42.0.6").OldIp("10.42.0.5").Build())
          .addresses,
      PodAddresses{Ip("10.42.0.6")});
}

TEST(ParsePodTest, WithoutNameOrNamespaceIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParsePod(PodBuilder("red", "").Build()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParsePod(PodBuilder("", "web-0").Build()).status()));
}

TEST(ParsePodTest, OldFieldServesWhereTheListIsMissing) {
  EXPECT_EQ(Parsed(PodBuilder("red", "p").OldIp("10.42.0.5").Build()).addresses,
            PodAddresses{Ip("10.42.0.5")});
}

TEST(ParsePodTest, AddressGivenTwiceCountsOnce) {
  EXPECT_EQ(Parsed(PodBuilder("red", "p")
                       .OldIp("10.42.0.5")
                       .Ip("10.42.0.5")
                       .Ip("::ffff:10.42.0.5")
                       .Build())
                .addresses,
            PodAddresses{Ip("10.42.0.5")});
}

TEST(ParsePodTest, UnreadableAddressIsLeftOut) {
  EXPECT_EQ(
      Parsed(PodBuilder("red", "p").Ip("no address").Ip("10.42.0.5").Build())
          .addresses,
      PodAddresses{Ip("10.42.0.5")});
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
  EXPECT_EQ(*pod.ports,
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
  EXPECT_EQ(*pod.ports, (std::vector<NamedPort>{{"a", IPPROTO_TCP, 1},
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
                  .ports->empty());
}

TEST(ParsePodTest, NameWithSeveralNumbersKeepsAll) {
  const Pod pod = Parsed(PodBuilder("red", "p")
                             .Ip("10.42.0.5")
                             .Port("http", 80)
                             .InitPort(true, "http", 8080)
                             .Build());
  EXPECT_EQ(pod.ports->size(), 2u);
}

}  // namespace
}  // namespace netpol
