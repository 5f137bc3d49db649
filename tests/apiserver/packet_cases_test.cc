// The cases of tests/cases, told by a real API server: what an Enforcer that
// follows it makes of them, real packets meet.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/enforcer/enforcer.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/server_fixture.h"
#include "tests/apiserver/server_objects.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/case_reader.h"
#include "tests/kernel/lab/conntrack.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(2);

class PacketCasesTest : public ServerTest {
 protected:
  void SetUp() override {
    if (!MayMakeNamespaces())
      GTEST_SKIP() << "needs root: makes network namespaces";
    const std::string lock =
        absl::StrCat(testing::TempDir(), "/xtables.lock.", getpid());
    setenv("XTABLES_LOCKFILE", lock.c_str(), 1);
    ServerTest::SetUp();
  }

  // An empty cluster, an empty lab, and a new enforcer.
  void Begin() {
    enforcer_.reset();
    way_.reset();
    cluster_ = Cluster();
    Succeed(EmptyServer(writer()));
    absl::StatusOr<std::unique_ptr<CaseLab>> lab = CaseLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    auto way = TcpRelay::Create(server().port(), lab_->lab().node());
    ASSERT_TRUE(way.ok()) << way.status();
    way_ = *std::move(way);
    absl::Status started;
    Succeed(lab_->lab().RunOnNode([&] { started = StartEnforcer(); }));
    Succeed(started);
  }

  absl::Status StartEnforcer() {
    KubeSourceOptions source_options = SourceOptions();
    source_options.server.server = way_->url();
    source_options.node_name = kCaseNode;
    auto source = KubeSource::Create(std::move(source_options));
    if (!source.ok()) return source.status();
    EnforcerOptions options;
    options.controller.node_name = kCaseNode;
    options.controller.require_node = true;
    options.controller.layout.families = {Family::kIPv4, Family::kIPv6};
    auto enforcer = Enforcer::Start(std::move(options), *std::move(source), {});
    if (!enforcer.ok()) return enforcer.status();
    enforcer_ = *std::move(enforcer);
    return absl::OkStatus();
  }

  // Pods need their namespace at a server; one without labels is as good as
  // none to every verdict.
  absl::Status WriteNamespaceOf(const v1::WatchEvent& event) {
    const std::string& name =
        event.has_pod() ? event.pod().metadata().namespace_()
                        : event.network_policy().metadata().namespace_();
    if (name.empty() || event.type() == v1::WatchEvent::DELETE)
      return absl::OkStatus();
    for (const k8s::Namespace& ns : cluster_.namespaces)
      if (ns.metadata().name() == name) return absl::OkStatus();
    const v1::WatchEvent missing = Upsert(MakeNamespace(name));
    ApplyEvent(missing, cluster_);
    return writer().ApplyEvent(missing);
  }

  static bool HasOurNode(const std::vector<v1::WatchEvent>& events) {
    return std::any_of(events.begin(), events.end(),
                       [](const v1::WatchEvent& event) {
                         return event.node().metadata().name() == kCaseNode;
                       });
  }

  // A case that the server refuses would have no place here: none is such.
  absl::Status Write(const CaseStep& step) {
    absl::StatusOr<std::vector<v1::WatchEvent>> events = EventsOf(step);
    if (!events.ok()) return absl::InternalError(events.status().message());
    // Whatever the order of a manifest is.
    std::stable_sort(events->begin() + step.deletes.size(), events->end(),
                     [](const v1::WatchEvent& a, const v1::WatchEvent& b) {
                       return a.has_namespace_() && !b.has_namespace_();
                     });
    if (step.number == 1 && !HasOurNode(*events)) {
      events->insert(
          events->begin(),
          Upsert(NodeBuilder(kCaseNode).Address("172.31.0.1").Build()));
    }
    for (const v1::WatchEvent& event : *events) {
      absl::Status status = WriteNamespaceOf(event);
      if (status.ok()) status = writer().ApplyEvent(event);
      if (!status.ok()) return status;
      ApplyEvent(event, cluster_);
    }
    return absl::OkStatus();
  }

  // Whether that is the last that will happen for `step`. Where nothing is to
  // be checked yet, the node may be one that is not to be used.
  static bool IsSettled(const CaseStep& step, const LoopHealth& loop) {
    if (loop.synced_once) return loop.pending == 0;
    return step.checks.empty() &&
           absl::StrContains(loop.waiting_for, "uninitialized");
  }

  // Until everything that the server has is in the kernel.
  void AwaitEnforced(const CaseStep& step) {
    const absl::StatusOr<Cluster> written = ReadServer(writer());
    ASSERT_TRUE(written.ok()) << written.status();
    const absl::Time end = absl::Now() + kPatience;
    absl::Status same;
    do {
      const absl::Status looked =
          enforcer_->Inspect([&](const Controller& controller) {
            same = CheckSame(*written, controller.state());
          });
      if (looked.ok() && same.ok() &&
          IsSettled(step, enforcer_->state().loop)) {
        return;
      }
      absl::SleepFor(absl::Milliseconds(5));
    } while (absl::Now() < end);
    FAIL() << "not enforced: " << same << "; "
           << enforcer_->state().loop.last_error << "; "
           << enforcer_->state().loop.waiting_for;
  }

  void CheckVerdicts(const CaseStep& step) {
    std::vector<Packet> packets;
    for (const CaseCheck& check : step.checks) {
      const absl::StatusOr<IpAddress> from = AddressOf(cluster_, check.from);
      const absl::StatusOr<IpAddress> to = AddressOf(cluster_, check.to);
      ASSERT_TRUE(from.ok() && to.ok()) << check;
      packets.push_back({*from, *to, check.protocol, check.port});
    }
    Succeed(lab_->Follow(cluster_, packets));
    absl::Status flushed;
    Succeed(lab_->lab().RunOnNode([&] { flushed = FlushConntrack(); }));
    Succeed(flushed);
    const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
        lab_->Probe(packets);
    ASSERT_TRUE(outcomes.ok()) << outcomes.status();
    for (size_t i = 0; i < packets.size(); ++i) {
      EXPECT_EQ((*outcomes)[i] == ProbeOutcome::kAllowed,
                step.checks[i].allowed)
          << step.checks[i] << ", but it was " << (*outcomes)[i];
      ++packets_;
    }
  }

  void Run(const Case& one) {
    ASSERT_NO_FATAL_FAILURE(Begin());
    for (const CaseStep& step : one.steps) {
      SCOPED_TRACE(absl::StrCat("step ", step.number));
      Succeed(Write(step));
      ASSERT_NO_FATAL_FAILURE(AwaitEnforced(step));
      ASSERT_NO_FATAL_FAILURE(CheckVerdicts(step));
    }
  }

  void TearDown() override { enforcer_.reset(); }

  Cluster cluster_;  // As the case has it.
  std::unique_ptr<CaseLab> lab_;
  std::unique_ptr<TcpRelay> way_;  // From the lab's node to the server.
  std::unique_ptr<Enforcer> enforcer_;
  int packets_ = 0;
};

TEST_F(PacketCasesTest, EveryCaseIsEnforcedAsAServerTellsIt) {
  const std::vector<std::string> ids = CaseIds();
  EXPECT_GE(ids.size(), 70u) << "the cases were not found";
  for (const std::string& id : ids) {
    SCOPED_TRACE(id);
    const absl::StatusOr<Case> one = ReadCaseById(id);
    ASSERT_TRUE(one.ok()) << one.status();
    ASSERT_NO_FATAL_FAILURE(Run(*one));
  }
  EXPECT_GT(packets_, 200);
}

}  // namespace
}  // namespace netpol
