#include "bench/live/stored_cluster.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "bench/live/followed_server.h"
#include "gtest/gtest.h"
#include "netpol/testing/workload.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"

namespace netpol {
namespace {

constexpr int kSeed = 3;

// What a source tells until everything is listed.
struct Told {
  std::vector<v1::WatchEvent> pods;
  int policies = 0;
  int namespaces = 0;
  bool nodes = false;
};

Told Read(const ControlPlane& server) {
  const auto source = KubeSource::Create(SourceOf(server));
  EXPECT_TRUE(source.ok()) << source.status();
  Told told;
  int listed = 0;
  const absl::Time end = absl::Now() + absl::Minutes(1);
  while (listed < 4 && absl::Now() < end) {
    (void)(*source)->Poll(
        absl::Seconds(1),
        [&](v1::WatchEvent event) {
          if (event.type() == v1::WatchEvent::LISTED) ++listed;
          told.policies += event.has_network_policy() ? 1 : 0;
          told.namespaces += event.has_namespace_() ? 1 : 0;
          told.nodes = told.nodes || event.has_node();
          if (event.has_pod()) told.pods.push_back(std::move(event));
        },
        [](const SourceProblem& problem) { ADD_FAILURE() << problem; });
  }
  EXPECT_EQ(listed, 4);
  return told;
}

TEST(StoredClusterTest, TheServerHasEveryObjectOfTheWorkload) {
  auto server = ControlPlane::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const WorkloadShape shape = NamedWorkload("S");
  const absl::Status stored = StoreWorkload(shape, kSeed, **server);
  ASSERT_TRUE(stored.ok()) << stored;
  const Told told = Read(**server);
  EXPECT_EQ(told.policies, shape.policies);
  EXPECT_EQ(static_cast<int>(told.pods.size()), shape.pods);
  EXPECT_GE(told.namespaces, shape.namespaces);
  EXPECT_TRUE(told.nodes);
  // They have the size of real ones: what nobody reads is there, too.
  ApiWriter writer((*server)->AdminAccess());
  const k8s::ObjectMeta& meta = told.pods.front().pod().metadata();
  const auto pod =
      writer.Get(ObjectName("v1", "Pod", meta.namespace_(), meta.name()));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->at("spec").at("containers").size(), 2u);
  EXPECT_EQ(pod->at("metadata").at("name"), meta.name());
  EXPECT_EQ(pod->at("status").at("podIP"),
            told.pods.front().pod().status().pod_ips(0).ip());
}

}  // namespace
}  // namespace netpol
