// Clusters of published sizes (C099): what must hold while pods come and go,
// and the figures, which are printed and not judged.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"

namespace netpol {
namespace {

using testing::ElementsAre;

struct PublishedSize {
  const char* name;
  int nodes;
  int namespaces;
  int pods;
  int local_pods;
  int policies;
  int rules_per_policy;
  int events;  // The recipe's are 1000.
};

constexpr PublishedSize kSizes[] = {
    {"small", 10, 60, 300, 30, 60, 2, 500},
    {"medium", 50, 80, 2500, 50, 330, 3, 300},
    {"large", 100, 300, 6000, 110, 1500, 3, 150},
    {"extreme", 100, 300, 6000, 110, 2000, 5, 150},
};

std::string App(int number) { return absl::StrCat("a", number % 5); }

PodBuilder PodNumber(const PublishedSize& size, int i) {
  PodBuilder pod(absl::StrCat("n", i % size.namespaces), absl::StrCat("p", i));
  pod.Label("app", App(i)).Port("web", 8080);
  if (i < size.local_pods) {
    pod.On("node-a").Ip(absl::StrCat("10.42.0.", 2 + i));
  } else {
    pod.On(absl::StrCat("node-", 1 + i % (size.nodes - 1)))
        .Ip(absl::StrCat("10.60.", i / 250, ".", 1 + i % 250));
  }
  return pod;
}

// Two thirds of the rules name peers by namespace and label, one third a block
// with an exception; one port each, every fifth by name.
k8s::NetworkPolicy PolicyNumber(const PublishedSize& size, int i) {
  PolicyBuilder policy(absl::StrCat("n", i % size.namespaces),
                       absl::StrCat("policy", i));
  for (int rule = 0; rule < size.rules_per_policy; ++rule) {
    const int k = i * size.rules_per_policy + rule;
    const std::string net = absl::StrCat("198.18.", k % 250, ".");
    policy.Ingress(
        {k % 3 < 2
             ? PodInNamespacePeer(
                   MatchLabels({{"kubernetes.io/metadata.name",
                                 absl::StrCat("n", k % size.namespaces)}}),
                   MatchLabels({{"app", App(k)}}))
             : BlockPeer(net + "0/24", {net + "128/25"})},
        {k % 5 == 4 ? NamePort("TCP", "web")
                    : NumberPort("TCP", 1000 + k % 5000)});
  }
  return policy.Build();
}

Cluster ClusterOf(const PublishedSize& size) {
  Cluster cluster;
  for (int i = 0; i < size.namespaces; ++i)
    cluster.namespaces.push_back(MakeNamespace(absl::StrCat("n", i)));
  for (int i = 0; i < size.pods; ++i)
    cluster.pods.push_back(PodNumber(size, i).Build());
  for (int i = 0; i < size.policies; ++i)
    cluster.policies.push_back(PolicyNumber(size, i));
  // What is watched while the others come and go.
  cluster.namespaces.push_back(MakeNamespace("steady"));
  cluster.pods.push_back(
      PodBuilder("steady", "s").On("node-a").Ip("10.42.0.250").Build());
  cluster.policies.push_back(
      PolicyBuilder("steady", "in")
          .Ingress({BlockPeer("203.0.113.0/24")}, {NumberPort("TCP", 80)})
          .Build());
  return cluster;
}

double CpuSecondsOfThread() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                    usage.ru_stime.tv_usec);
}

size_t ResidentMegabytes() {
  std::ifstream file("/proc/self/statm");
  size_t all = 0, resident = 0;
  file >> all >> resident;
  return (resident * static_cast<size_t>(sysconf(_SC_PAGESIZE))) >> 20;
}

class PublishedSizesTest : public NeighbourNodeTest,
                           public testing::WithParamInterface<PublishedSize> {
 protected:
  // All chains, rules, sets and members.
  std::string Content() {
    std::string text = FilterTable();
    for (const std::string& line :
         LinesWith(Tool({"ipset", "save", "-sorted"}), "")) {
      // A set's head holds a random number.
      absl::StrAppend(&text, line.substr(0, line.find(" hashsize")), "\n");
    }
    return text;
  }

  // Even rounds: a pod comes; odd ones: it goes. One of ten is local.
  v1::WatchEvent ChurnEvent(int round) {
    const int i = round / 2;
    PodBuilder pod(absl::StrCat("n", i % GetParam().namespaces),
                   absl::StrCat("churn", i));
    pod.Label("app", App(i)).Port("web", 8080);
    if (i % 10 == 0) {
      pod.On("node-a").Ip(absl::StrCat("10.42.0.", 150 + i / 10));
    } else {
      pod.On("node-1").Ip(absl::StrCat("10.70.", i / 250, ".", 1 + i % 250));
    }
    return round % 2 == 0 ? Upsert(pod.Build()) : Delete(pod.Build());
  }

  // Told and synced one by one, as they would come; the seconds of CPU.
  double Churn(int events) {
    double seconds = 0;
    OnNode([&] {
      const double begin = CpuSecondsOfThread();
      for (int round = 0; round < events; ++round) {
        ASSERT_NO_FATAL_FAILURE(Tell(ChurnEvent(round)));
        const absl::StatusOr<SyncReport> report = controller().Sync();
        ASSERT_TRUE(report.ok()) << report.status();
      }
      seconds = CpuSecondsOfThread() - begin;
    });
    return seconds;
  }

  uint64_t WritesOf(const v1::WatchEvent& event) {
    Tell(event);
    return Sync().writes.total();
  }
};

TEST_P(PublishedSizesTest, VerdictsAndContentSurviveChurn) {
  const PublishedSize& size = GetParam();
  const IpAddress pod = *IpAddress::Parse("10.42.0.250");
  const IpAddress friendly = *IpAddress::Parse("203.0.113.1");
  const IpAddress stranger = *IpAddress::Parse("198.51.100.1");
  ASSERT_TRUE(lab().AddPod("steady", {pod}).ok());
  ASSERT_TRUE(lab().AddRemote({friendly, stranger}).ok());
  LayoutOptions layout;
  layout.families = {Family::kIPv4};
  StartController(layout, OpenKernel());
  ASSERT_NO_FATAL_FAILURE(TellAll(ListingOf(ClusterOf(size))));
  const absl::Time begin = absl::Now();
  Sync();
  const absl::Duration first = absl::Now() - begin;
  const std::string before = Content();

  // Pods that no policy selects or mentions cost what they cost anywhere.
  const k8s::Pod remote =
      PodBuilder("none", "far").On("node-1").Ip("10.71.0.1").Build();
  const k8s::Pod local =
      PodBuilder("none", "near").On("node-a").Ip("10.42.0.251").Build();
  EXPECT_EQ(WritesOf(Upsert(remote)), 0u);
  EXPECT_EQ(WritesOf(Upsert(local)), 1u);  // The set of local pods.
  EXPECT_EQ(WritesOf(Delete(local)), 1u);
  EXPECT_EQ(WritesOf(Delete(remote)), 0u);

  std::atomic<bool> over{false};
  double seconds = 0;
  std::thread churn([&] {
    seconds = Churn(size.events);
    over = true;
  });
  int probes = 0;
  for (; !over; ++probes) {
    const auto outcomes = lab().Probe({{friendly, pod, IPPROTO_TCP, 80},
                                       {friendly, pod, IPPROTO_TCP, 81},
                                       {stranger, pod, IPPROTO_TCP, 80}});
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    if (!outcomes.ok()) break;
    EXPECT_THAT(*outcomes,
                ElementsAre(ProbeOutcome::kAllowed, ProbeOutcome::kRejected,
                            ProbeOutcome::kRejected));
  }
  churn.join();
  EXPECT_GT(probes, 0);
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(Resync().writes.total(), 0u);
  const ControllerCounts counts = controller().counts();
  std::cout << size.name << ": first sync " << first << "; "
            << seconds * 1000 / size.events << " s of CPU for 1000 pod events, "
            << seconds / size.events * 1e3 << " ms each; "
            << ResidentMegabytes() << " MiB resident; " << counts.rules
            << " rules, " << counts.chains << " chains, " << counts.sets
            << " sets; " << probes << " probes during churn\n";
}

INSTANTIATE_TEST_SUITE_P(Sizes, PublishedSizesTest, testing::ValuesIn(kSizes),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace netpol
