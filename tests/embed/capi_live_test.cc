// The C library follows a real API server by itself.
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/control_plane.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::Not;

class CApiLiveTest : public LabFixture {
 protected:
  static std::string Run(const NetNs& ns,
                         const std::vector<std::string>& argv) {
    const absl::StatusOr<ProgramResult> result =
        RunProgram(ns, Program{.argv = argv});
    return result.ok() && result->exit_code == 0 ? result->out : "failed";
  }
  static std::string TextOf(const std::string& path) {
    std::ifstream file(path);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }
  // For as long as a slow machine may need.
  static bool Await(const std::function<bool()>& condition) {
    const absl::Time end = absl::Now() + absl::Minutes(1);
    while (!condition()) {
      if (absl::Now() > end) return false;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return true;
  }

  // A pod of node-a that only pods labelled "back" may reach.
  static absl::Status WriteCluster(ApiWriter& writer) {
    absl::Status status =
        writer.ApplyEvent(Upsert(NodeBuilder("node-a").Build()));
    status.Update(writer.ApplyEvent(Upsert(MakeNamespace("web"))));
    status.Update(writer.ApplyEvent(Upsert(PodBuilder("web", "front")
                                               .On("node-a")
                                               .Ip("10.0.0.1")
                                               .Label("app", "front")
                                               .Build())));
    status.Update(writer.ApplyEvent(
        Upsert(PolicyBuilder("web", "from-back")
                   .Selects({{"app", "front"}})
                   .Ingress({PodPeer(MatchLabels({{"app", "back"}}))})
                   .Build())));
    return status;
  }
};

TEST_F(CApiLiveTest, WatchesByKubeconfigAndCleansUpAtTheEnd) {
  const NetNs ns = *NetNs::Create();
  ASSERT_EQ(Run(ns, {"ip", "link", "set", "lo", "up"}), "");
  ControlPlaneOptions options;
  options.ns = &ns;
  const auto server = ControlPlane::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  ApiWriter writer((*server)->AdminAccess());
  const absl::Status written = WriteCluster(writer);
  ASSERT_TRUE(written.ok()) << written;
  KubeconfigContent content;
  content.server = (*server)->url();
  content.ca_file = (*server)->ca_file();
  content.token = (*server)->AdminAccess().token;
  const std::string kubeconfig = (*server)->folder() + "/host.kubeconfig";
  ASSERT_TRUE(WriteKubeconfig(content, kubeconfig).ok());

  // A program of its own: the library has the same messages as this test.
  const std::string log = (*server)->folder() + "/host.log";
  Program program;
  program.argv = {"tests/embed/watching_host", kubeconfig, "node-a"};
  program.environment = {"XTABLES_LOCKFILE=" + XtablesLockPath()};
  const auto host = NodeProcess::Start(ns, program, log);
  ASSERT_TRUE(host.ok()) << host.status();
  ASSERT_TRUE(Await([&] { return absl::StrContains(TextOf(log), "ready\n"); }))
      << TextOf(log);
  EXPECT_THAT(Run(ns, {"iptables-nft-save"}), HasSubstr("web/front"));

  // A change at the server reaches the kernel.
  ASSERT_TRUE(writer
                  .ApplyEvent(Upsert(PodBuilder("web", "back")
                                         .On("node-b")
                                         .Ip("10.0.1.1")
                                         .Label("app", "back")
                                         .Build()))
                  .ok());
  EXPECT_TRUE(Await([&] {
    return absl::StrContains(Run(ns, {"ipset", "save"}), "10.0.1.1");
  })) << TextOf(log);

  const absl::StatusOr<int> ended = (*host)->Terminate(absl::Seconds(30));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 0) << TextOf(log);
  EXPECT_THAT(TextOf(log), HasSubstr("\"NetworkPolicy\""));
  EXPECT_THAT(Run(ns, {"iptables-nft-save"}), Not(HasSubstr("KUBE-")));
  EXPECT_THAT(Run(ns, {"ipset", "save"}), Not(HasSubstr("10.0.1.1")));
}

}  // namespace
}  // namespace netpol
