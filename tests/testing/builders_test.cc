#include "netpol/testing/builders.h"

#include "gtest/gtest.h"

namespace netpol {
namespace {

TEST(BuildersTest, WhatIsNotSetIsAbsent) {
  const k8s::Pod pod = PodBuilder("shop", "web").Build();
  EXPECT_FALSE(pod.has_spec());
  EXPECT_FALSE(pod.has_status());
  EXPECT_FALSE(NumberPort("", 80).has_protocol());
  EXPECT_FALSE(ProtocolPort("UDP").has_port());
  EXPECT_FALSE(PodPeer(MatchLabels()).has_namespace_selector());
  EXPECT_FALSE(PolicyBuilder("shop", "p").Build().has_spec());
}

TEST(BuildersTest, EmptySelectorIsPresent) {
  EXPECT_TRUE(PodPeer(MatchLabels()).has_pod_selector());
  EXPECT_TRUE(PolicyBuilder("shop", "p")
                  .Selects(MatchLabels())
                  .Build()
                  .spec()
                  .has_pod_selector());
}

TEST(BuildersTest, PortsOfOrdinaryContainerAndSidecarStayApart) {
  const k8s::Pod pod = PodBuilder("shop", "web")
                           .Port("http", 80)
                           .Port("dns", 53, "UDP")
                           .InitPort(true, "mesh", 15000)
                           .Build();
  ASSERT_EQ(pod.spec().containers_size(), 1);
  EXPECT_EQ(pod.spec().containers(0).ports_size(), 2);
  EXPECT_EQ(pod.spec().containers(0).ports(1).protocol(), "UDP");
  ASSERT_EQ(pod.spec().init_containers_size(), 1);
  EXPECT_EQ(pod.spec().init_containers(0).restart_policy(), "Always");
}

TEST(BuildersTest, DeletionCarriesTheKeyOnly) {
  const v1::WatchEvent event =
      Delete(PodBuilder("shop", "web").Ip("10.42.0.5").Label("a", "b").Build());
  EXPECT_EQ(event.type(), v1::WatchEvent::DELETE);
  EXPECT_EQ(event.pod().metadata().namespace_(), "shop");
  EXPECT_EQ(event.pod().metadata().name(), "web");
  EXPECT_TRUE(event.pod().metadata().labels().empty());
  EXPECT_FALSE(event.pod().has_status());
}

TEST(BuildersTest, UpsertCarriesTheWholeObject) {
  const v1::WatchEvent event =
      Upsert(PodBuilder("shop", "web").Ip("10.42.0.5").Build());
  EXPECT_EQ(event.type(), v1::WatchEvent::UPSERT);
  EXPECT_EQ(event.pod().status().pod_ips(0).ip(), "10.42.0.5");
}

TEST(BuildersTest, ListedNamesItsKind) {
  const v1::WatchEvent event = Listed(v1::WatchEvent::POD);
  EXPECT_EQ(event.type(), v1::WatchEvent::LISTED);
  EXPECT_EQ(event.listed_kind(), v1::WatchEvent::POD);
}

}  // namespace
}  // namespace netpol
