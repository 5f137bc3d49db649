// What is written as manifests is read back as it was.
#include "netpol/testing/manifest_writer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_options.h"
#include "netpol/testing/workload.h"
#include "netpol/watch/manifests/manifest_source.h"
#include "tests/testing/cluster_bytes.h"

namespace netpol {
namespace {

using ::testing::HasSubstr;

class ManifestWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        absl::StrCat(testing::TempDir(), "/manifest_writer.XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Writes to a folder of its own, and reads it again.
  Cluster Return(const Cluster& cluster) {
    const std::string folder = absl::StrCat(folder_, "/", ++written_);
    const absl::Status status = WriteManifests(cluster, folder);
    EXPECT_TRUE(status.ok()) << status;
    const absl::StatusOr<ManifestSet> read = ReadManifests({folder});
    EXPECT_TRUE(read.ok()) << read.status();
    Cluster returned;
    if (!read.ok()) return returned;
    EXPECT_THAT(read->problems, testing::IsEmpty()) << Describe(cluster);
    for (const v1::WatchEvent& event : read->objects)
      ApplyEvent(event, returned);
    return returned;
  }

  std::string folder_;
  int written_ = 0;
};

// Sorted as the reader sorts, and with the defaults that it fills in.
template <typename Object>
void SortByKey(std::vector<Object>& objects) {
  std::sort(objects.begin(), objects.end(),
            [](const Object& a, const Object& b) {
              return std::pair(a.metadata().namespace_(), a.metadata().name()) <
                     std::pair(b.metadata().namespace_(), b.metadata().name());
            });
}

template <typename Object>
void FillInTimes(std::vector<Object>& objects) {
  for (Object& object : objects) {
    k8s::ObjectMeta& metadata = *object.mutable_metadata();
    for (k8s::Time* time : {metadata.has_creation_timestamp()
                                ? metadata.mutable_creation_timestamp()
                                : nullptr,
                            metadata.has_deletion_timestamp()
                                ? metadata.mutable_deletion_timestamp()
                                : nullptr}) {
      if (time != nullptr) time->set_nanos(time->nanos());
    }
  }
}

Cluster AsRead(Cluster cluster) {
  SortByKey(cluster.namespaces);
  SortByKey(cluster.nodes);
  SortByKey(cluster.pods);
  SortByKey(cluster.policies);
  FillInTimes(cluster.namespaces);
  FillInTimes(cluster.nodes);
  FillInTimes(cluster.pods);
  FillInTimes(cluster.policies);
  for (k8s::NetworkPolicy& policy : cluster.policies) {
    k8s::NetworkPolicySpec& spec = *policy.mutable_spec();
    spec.mutable_pod_selector();
    if (spec.policy_types_size() > 0) continue;
    spec.add_policy_types("Ingress");
    if (spec.egress_size() > 0) spec.add_policy_types("Egress");
  }
  return cluster;
}

TEST_F(ManifestWriterTest, EveryObjectOfAWorkloadReturns) {
  WorkloadShape shape = NamedWorkload("S");
  shape.ipv6 = true;
  const Cluster cluster = MakeWorkload(shape, 1);
  EXPECT_EQ(Bytes(Return(cluster)), Bytes(AsRead(cluster)));
}

TEST_F(ManifestWriterTest, RandomClustersReturn) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, RandomClusterOptions());
    ASSERT_EQ(Bytes(Return(cluster)), Bytes(AsRead(cluster)))
        << "seed " << seed << "\n"
        << Describe(cluster);
  }
}

TEST_F(ManifestWriterTest, TextThatYamlTakesForSomethingElseStaysText) {
  Cluster cluster;
  PodBuilder pod("a", "p");
  int key = 0;
  for (const char* text :
       {"",     "1",    "1e3",  "0x1f",  "012",        "true", "No",
        "y",    "NULL", "~",    "null",  "-",          "- a",  "a: b",
        "a #b", "#b",   "*a",   "&a",    "!a",         "%a",   "@a",
        "`a",   "[a",   "{a",   ">",     "|",          "'a'",  "\"a\"",
        "a\\b", " a ",  "a\nb", "\ttab", "2026-01-01", "1:30", ".5",
        ".inf", ".nan", "---",  "...",   "=",          "<<",   "\u00e4\u00f6",
        "a,b",  "?",    ": a",  "a:"}) {
    pod.Label(absl::StrCat("k", ++key), text);
    pod.Label(absl::StrCat(text, "-key"), "v");
  }
  cluster.pods.push_back(pod.Build());
  EXPECT_EQ(Bytes(Return(cluster)), Bytes(AsRead(cluster)));
}

TEST_F(ManifestWriterTest, EmptyAndAbsentSelectorsStayApart) {
  Cluster cluster;
  cluster.policies.push_back(
      PolicyBuilder("a", "allow")
          .Types({"Ingress"})
          .Ingress()
          .Ingress({PodPeer(MatchLabels()), NamespacePeer(MatchLabels())},
                   {NamePort("TCP", "80"), NumberPort("", 80),
                    RangePort("SCTP", 1, 2), k8s::NetworkPolicyPort()})
          .Build());
  EXPECT_EQ(ManifestOf(cluster.policies[0]), R"yaml(---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow
  namespace: a
spec:
  ingress:
  - {}
  - ports:
    - protocol: TCP
      port: "80"
    - port: 80
    - protocol: SCTP
      port: 1
      endPort: 2
    - {}
    from:
    - podSelector: {}
    - namespaceSelector: {}
  policyTypes:
  - Ingress
)yaml");
  EXPECT_EQ(Bytes(Return(cluster)), Bytes(AsRead(cluster)));
}

TEST_F(ManifestWriterTest, ContainersHaveTheImageThatAnApiServerDemands) {
  EXPECT_THAT(ManifestOf(PodBuilder("a", "p").Port("http", 80).Build()),
              HasSubstr("    image: "));
}

TEST_F(ManifestWriterTest, AFolderWithSomethingInItIsLeftAlone) {
  std::ofstream(folder_ + "/precious.yaml") << "---\n";
  const absl::Status status =
      WriteManifests(MakeWorkload(NamedWorkload("S"), 1), folder_);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace netpol
