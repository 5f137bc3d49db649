#include "netpol/explain/endpoint.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/explain/told_cluster.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() {
    cluster_.Add(
        PodBuilder("shop", "web").On("node-a").Ip("10.0.0.1").Ip("fd00::1"));
    cluster_.Add(PodBuilder("shop", "web-6f7d").On("node-a").Ip("fd00::2"));
    node_ = {*IpAddress::Parse("127.0.0.1"), *IpAddress::Parse("172.16.0.1"),
             *IpAddress::Parse("fd00:16::1")};
  }

  absl::StatusOr<Endpoint> Find(absl::string_view text) const {
    return FindEndpoint(text, cluster_.state(), node_);
  }
  // "IPv4 address,IPv6 address" of an end, or what went wrong.
  std::string Found(absl::string_view text) const {
    const absl::StatusOr<Endpoint> end = Find(text);
    if (!end.ok()) return std::string(end.status().message());
    std::string addresses;
    for (const auto& address : end->addresses)
      addresses += (address ? address->ToString() : "none") + ",";
    return addresses;
  }

  ToldCluster cluster_;
  std::vector<IpAddress> node_;
};

TEST_F(EndpointTest, PodHasItsFirstAddressOfEachFamily) {
  EXPECT_EQ(Found("shop/web"), "10.0.0.1,fd00::1,");
  EXPECT_EQ(Found("shop/web-6f7d"), "none,fd00::2,");
}

TEST_F(EndpointTest, AddressIsItself) {
  EXPECT_EQ(Found("192.0.2.1"), "192.0.2.1,none,");
  EXPECT_EQ(Found("2001:db8::1"), "none,2001:db8::1,");
  EXPECT_FALSE(Find("192.0.2.1")->is_node);
  EXPECT_TRUE(Find("127.0.0.1")->is_node);
}

TEST_F(EndpointTest, NodeIsAnAddressThatIsSeenFromOutside) {
  EXPECT_EQ(Found("node"), "172.16.0.1,fd00:16::1,");
  EXPECT_TRUE(Find("node")->is_node);
  EXPECT_THAT(Find("node")->notes,
              testing::ElementsAre(HasSubstr("3 addresses")));
}

TEST_F(EndpointTest, NodeOfUnknownAddressIsStillThisNode) {
  node_.clear();
  EXPECT_EQ(Found("node"), "0.0.0.0,::,");
  EXPECT_TRUE(Find("node")->is_node);
  EXPECT_THAT(Find("node")->notes,
              testing::ElementsAre(HasSubstr("is not known")));
}

TEST_F(EndpointTest, UnknownPodIsNamedWithThoseThatLookLikeIt) {
  const absl::Status status = Find("shop/wob").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "there is no pod shop/wob; did you mean shop/web");
  EXPECT_THAT(Found("shop/we"), HasSubstr("shop/web or shop/web-6f7d"));
  EXPECT_THAT(Found("shop/database"), Not(HasSubstr("did you mean")));
  EXPECT_THAT(Found("shap/web"), HasSubstr("namespace shap has no pods"));
}

TEST_F(EndpointTest, OtherTextsAreRefused) {
  for (const char* text : {"", "web", "/web", "shop/", "shop/web/1", "Node",
                           "10.0.0.1:80", "10.0.0.0/8/1"}) {
    EXPECT_EQ(Find(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_EQ(CheckEndpoint(text).code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST_F(EndpointTest, PodsThatReachNobodyAreExplained) {
  cluster_.Add(PodBuilder("shop", "new").On("node-a").Phase("Pending"));
  cluster_.Add(
      PodBuilder("shop", "job").On("node-a").Ip("10.0.0.9").Phase("Succeeded"));
  EXPECT_EQ(Find("shop/new").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Found("shop/new"), HasSubstr("has no address yet"));
  EXPECT_THAT(Found("shop/job"), HasSubstr("has finished"));
}

TEST_F(EndpointTest, HostNetworkPodSpeaksWithItsNodesAddress) {
  cluster_.Add(
      PodBuilder("kube", "here").On("node-a").Ip("172.16.0.1").HostNetwork());
  cluster_.Add(
      PodBuilder("kube", "there").On("node-b").Ip("172.16.0.2").HostNetwork());
  cluster_.Add(PodBuilder("kube", "lost").On("node-c").HostNetwork());
  EXPECT_TRUE(Find("kube/here")->is_node);
  EXPECT_EQ(Found("kube/here"), "172.16.0.1,fd00:16::1,");
  EXPECT_FALSE(Find("kube/there")->is_node);
  EXPECT_EQ(Found("kube/there"), "172.16.0.2,none,");
  EXPECT_THAT(Find("kube/there")->notes.front(),
              AllOf(HasSubstr("host's network"), HasSubstr("node-b")));
  EXPECT_EQ(Found("kube/lost"), "0.0.0.0,::,");
}

TEST_F(EndpointTest, PodThatClaimsTheNodesAddressIsTheNode) {
  cluster_.Add(PodBuilder("kube", "proxy").On("node-a").Ip("172.16.0.1"));
  EXPECT_TRUE(Find("kube/proxy")->is_node);
  EXPECT_THAT(Find("kube/proxy")->notes,
              testing::ElementsAre(HasSubstr("claims 172.16.0.1")));
}

TEST_F(EndpointTest, FamiliesAreThoseThatBothEndsHave) {
  const Endpoint dual = *Find("shop/web");
  EXPECT_THAT(*CommonFamilies(dual, dual),
              testing::ElementsAre(Family::kIPv4, Family::kIPv6));
  EXPECT_THAT(*CommonFamilies(dual, *Find("shop/web-6f7d")),
              testing::ElementsAre(Family::kIPv6));
  const absl::Status status =
      CommonFamilies(*Find("10.0.0.7"), *Find("shop/web-6f7d")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("10.0.0.7 has IPv4 only"),
                    HasSubstr("shop/web-6f7d has IPv6 only")));
}

}  // namespace
}  // namespace netpol
