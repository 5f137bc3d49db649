// The C library against the real kernel, in network namespaces of its own.
#include <netinet/in.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/capi/netpol.h"
#include "nlohmann/json.hpp"
#include "tests/embed/c_host.h"
#include "tests/embed/kube_bytes.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CApiTest : public LabFixture {
 protected:
  static NetNs NewNs() { return *NetNs::Create(); }

  // Tables and sets of a namespace, without counters and comments.
  static std::string KernelOf(const NetNs& ns) {
    return absl::StrCat(Run(ns, {"iptables-legacy-save"}),
                        Run(ns, {"ip6tables-legacy-save"}),
                        Run(ns, {"ipset", "save"}));
  }

  static std::string Run(const NetNs& ns,
                         const std::vector<std::string>& argv) {
    const absl::StatusOr<ProgramResult> result =
        RunProgram(ns, Program{.argv = argv});
    return result.ok() && result->exit_code == 0 ? result->out : "failed";
  }
};

// ---- Enforcing.

TEST_F(CApiTest, FirstSyncComesOnlyAfterEverythingIsListed) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.Feed(NETPOL_UPSERT, NamespaceJson("web")), NETPOL_OK);
  char* plan = nullptr;
  netpol_code code = NETPOL_UNAVAILABLE;
  while (code == NETPOL_UNAVAILABLE)  // The kernel is being opened.
    code = netpol_preview(host.handle(), NETPOL_TEXT, &plan);
  EXPECT_EQ(code, NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(plan, nullptr);
  EXPECT_NE(host.LastError(), "");
  EXPECT_EQ(host.first_syncs(), 0);
  EXPECT_THAT(KernelOf(ns), Not(HasSubstr("KUBE-")));

  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_THAT(KernelOf(ns), AllOf(HasSubstr("KUBE-POD-FW-"),
                                  HasSubstr("10.0.1.1"), HasSubstr("web")));
  EXPECT_EQ(host.Preview(), "");
  EXPECT_EQ(host.Preview(NETPOL_JSON), "{}");
}

TEST_F(CApiTest, PacketsPassAsThePolicySays) {
  auto lab = PacketLab::Create();
  ASSERT_TRUE(lab.ok()) << lab.status();
  const auto ip = [](const char* text) { return *IpAddress::Parse(text); };
  ASSERT_TRUE((*lab)->AddPod("front", {ip("10.0.0.1")}).ok());
  ASSERT_TRUE((*lab)->AddRemote({ip("10.0.1.1"), ip("10.0.1.2")}).ok());
  const auto verdict = [&](const char* source) {
    return *(*lab)->ProbeOne(
        {ip(source), ip("10.0.0.1"), IPPROTO_TCP, uint16_t{80}});
  };
  CHost host;
  ASSERT_EQ(host.StartIn((*lab)->node()), NETPOL_OK) << host.LastError();
  EXPECT_EQ(verdict("10.0.1.2"), ProbeOutcome::kAllowed);
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_EQ(verdict("10.0.1.1"), ProbeOutcome::kAllowed);
  EXPECT_EQ(verdict("10.0.1.2"), ProbeOutcome::kRejected);

  // Another pod with the label of those that may.
  const std::string pod = PodProtobuf("web", "back", "node-b", "10.0.1.2");
  ASSERT_EQ(host.Feed(NETPOL_UPSERT, pod), NETPOL_OK);
  ASSERT_TRUE(host.AwaitEmptyPreview());
  EXPECT_EQ(verdict("10.0.1.1"), ProbeOutcome::kRejected);
  EXPECT_EQ(verdict("10.0.1.2"), ProbeOutcome::kAllowed);

  ASSERT_EQ(host.Feed(NETPOL_DELETE, pod), NETPOL_OK);
  ASSERT_TRUE(host.AwaitEmptyPreview());
  EXPECT_EQ(verdict("10.0.1.2"), ProbeOutcome::kRejected);
  ASSERT_EQ(netpol_delete(host.handle(), NETPOL_NETWORK_POLICY, "web", "allow"),
            NETPOL_OK);
  ASSERT_TRUE(host.AwaitEmptyPreview());
  EXPECT_EQ(verdict("10.0.1.2"), ProbeOutcome::kAllowed);
}

TEST_F(CApiTest, ARelistForgetsWhatItDidNotTell) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  ASSERT_EQ(netpol_listing(host.handle(), NETPOL_POD), NETPOL_OK);
  ASSERT_EQ(
      host.Feed(NETPOL_UPSERT, PodJson("web", "front", "node-a", "10.0.0.1")),
      NETPOL_OK);
  EXPECT_THAT(KernelOf(ns), HasSubstr("10.0.1.1"));
  ASSERT_EQ(netpol_listed(host.handle(), NETPOL_POD), NETPOL_OK);
  ASSERT_TRUE(host.AwaitEmptyPreview());
  EXPECT_THAT(KernelOf(ns),
              AllOf(Not(HasSubstr("10.0.1.1")), HasSubstr("10.0.0.1")));
}

TEST_F(CApiTest, ARequiredNodeIsAwaited) {
  const NetNs ns = NewNs();
  CHost host([](netpol_options& options) { options.require_node = 1; });
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.Feed(NETPOL_UPSERT, NodeJson("node-a", false)), NETPOL_OK);
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitHealthReason("node-a"));
  EXPECT_EQ(host.first_syncs(), 0);
  ASSERT_EQ(host.Feed(NETPOL_UPSERT, NodeJson("node-a", true)), NETPOL_OK);
  EXPECT_TRUE(host.AwaitFirstSync()) << host.log();
}

TEST_F(CApiTest, AForeignChangeIsMendedOnRequest) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  const std::vector<std::string> save = {"iptables-legacy-save"};
  ASSERT_EQ(Run(ns, {"iptables-legacy", "-D", "FORWARD", "1"}), "");
  ASSERT_THAT(Run(ns, save), Not(HasSubstr("-A FORWARD")));
  ASSERT_EQ(netpol_request_sync(host.handle()), NETPOL_OK);
  ASSERT_TRUE(host.Await(
      [&] { return json::parse(host.Status())["syncs"]["repairs"] == "1"; }));
  EXPECT_THAT(Run(ns, save), HasSubstr("-A FORWARD"));
}

// ---- Stopping and cleaning up.

TEST_F(CApiTest, AStopLeavesEverythingAndTheNextStartChangesNothing) {
  const NetNs ns = NewNs();
  std::string enforced;
  {
    CHost host;
    ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
    ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
    ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
    ASSERT_EQ(netpol_stop(host.handle(), 0), NETPOL_OK);
    enforced = KernelOf(ns);
    EXPECT_THAT(enforced, HasSubstr("KUBE-POD-FW-"));
    EXPECT_EQ(host.Feed(NETPOL_UPSERT, NamespaceJson("late")),
              NETPOL_FAILED_PRECONDITION);
    EXPECT_EQ(netpol_start(host.handle()), NETPOL_FAILED_PRECONDITION);
    EXPECT_EQ(netpol_stop(host.handle(), 0), NETPOL_OK) << "again";
  }
  EXPECT_THAT(KernelOf(ns), HasSubstr("KUBE-POD-FW-"));
  CHost next;
  ASSERT_EQ(next.StartIn(ns), NETPOL_OK) << next.LastError();
  ASSERT_EQ(next.FeedSmallCluster(), NETPOL_OK) << next.LastError();
  ASSERT_TRUE(next.AwaitFirstSync()) << next.log();
  const json syncs = json::parse(next.Status())["syncs"];
  EXPECT_EQ(syncs["failed"], "0") << syncs;
  EXPECT_EQ(next.Preview(), "");
}

TEST_F(CApiTest, AStopWithCleanUpRemovesAllFromTheNamespaceOfTheStart) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  Run(ns, {"iptables-legacy", "-A", "INPUT", "-p", "sctp", "-j", "DROP"});
  // This thread is in another namespace.
  ASSERT_EQ(netpol_stop(host.handle(), 1), NETPOL_OK) << host.LastError();
  EXPECT_THAT(KernelOf(ns),
              AllOf(Not(HasSubstr("KUBE-")), Not(HasSubstr("kube-router-")),
                    HasSubstr("-A INPUT -p sctp -j DROP")));
}

TEST_F(CApiTest, CleanUpWithoutAHandleRemovesWhatAnotherLeft) {
  const NetNs ns = NewNs();
  {
    CHost host;
    ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
    ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
    ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  }
  ASSERT_THAT(KernelOf(ns), HasSubstr("KUBE-"));
  netpol_code code = NETPOL_INTERNAL;
  const auto clean_up = [&] {
    code = netpol_cleanup(0);
    return absl::OkStatus();
  };
  ASSERT_TRUE(ns.Run(clean_up).ok());
  EXPECT_EQ(code, NETPOL_OK);
  EXPECT_THAT(KernelOf(ns),
              AllOf(Not(HasSubstr("KUBE-")), Not(HasSubstr("kube-router-"))));
  ASSERT_TRUE(ns.Run(clean_up).ok());
  EXPECT_EQ(code, NETPOL_OK) << "nothing to do is no error";
}

TEST_F(CApiTest, CleanUpThatIsNotCompleteSaysWhatIsLeft) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  ASSERT_EQ(Run(ns, {"iptables-legacy", "-A", "INPUT", "-m", "set",
                     "--match-set", "kube-router-local-pods", "src"}),
            "");
  EXPECT_EQ(netpol_stop(host.handle(), 1), NETPOL_FAILED_PRECONDITION);
  EXPECT_THAT(host.LastError(), HasSubstr("kube-router-local-pods"));
  ASSERT_EQ(Run(ns, {"iptables-legacy", "-F", "INPUT"}), "");
  EXPECT_EQ(netpol_stop(host.handle(), 1), NETPOL_OK) << host.LastError();
  EXPECT_THAT(KernelOf(ns), Not(HasSubstr("kube-router-")));
}

// ---- Several at once.

TEST_F(CApiTest, TwoInTwoNamespacesDoNotKnowOfOneAnother) {
  const NetNs first_ns = NewNs();
  const NetNs second_ns = NewNs();
  CHost first;
  CHost second;
  ASSERT_EQ(first.StartIn(first_ns), NETPOL_OK) << first.LastError();
  ASSERT_EQ(second.StartIn(second_ns), NETPOL_OK) << second.LastError();
  ASSERT_EQ(first.FeedSmallCluster(), NETPOL_OK) << first.LastError();
  ASSERT_TRUE(first.AwaitFirstSync()) << first.log();
  EXPECT_THAT(KernelOf(first_ns), HasSubstr("10.0.0.1"));
  EXPECT_THAT(KernelOf(second_ns), Not(HasSubstr("KUBE-")));
  EXPECT_EQ(second.first_syncs(), 0);

  ASSERT_EQ(
      second.Feed(NETPOL_UPSERT, PodJson("web", "other", "node-a", "10.0.0.7")),
      NETPOL_OK);
  ASSERT_EQ(second.FeedSmallCluster(), NETPOL_OK) << second.LastError();
  ASSERT_TRUE(second.AwaitFirstSync()) << second.log();
  ASSERT_EQ(netpol_stop(first.handle(), 1), NETPOL_OK) << first.LastError();
  EXPECT_THAT(KernelOf(first_ns), Not(HasSubstr("KUBE-")));
  EXPECT_THAT(KernelOf(second_ns), HasSubstr("10.0.0.7"));
  EXPECT_EQ(second.Preview(), "");
}

TEST_F(CApiTest, ManyThreadsMayUseOneHandle) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&host, thread] {
      for (int i = 1; i <= 50; ++i) {
        const std::string pod =
            PodJson("web", absl::StrCat("pod-", thread, "-", i), "node-a",
                    absl::StrCat("10.0.", thread, ".", i));
        EXPECT_EQ(host.Feed(NETPOL_UPSERT, pod), NETPOL_OK);
        EXPECT_NE(host.Status(), "");
        EXPECT_EQ(host.Feed(NETPOL_UPSERT, "no object"),
                  NETPOL_INVALID_ARGUMENT);
        EXPECT_NE(host.LastError(), "");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  // Front is one of them: thread 0 made 10.0.0.1 too.
  EXPECT_EQ(json::parse(host.Status())["counts"]["localPods"], "201");
}

// ---- Callbacks.

TEST_F(CApiTest, CallbacksMayAskButNotStop) {
  const NetNs ns = NewNs();
  CHost host;
  netpol_code stop = NETPOL_OK;
  netpol_code feed = NETPOL_OK;
  netpol_code destroy = NETPOL_OK;
  netpol_code request = NETPOL_INTERNAL;
  std::string status;
  host.OnFirstSync([&] {
    stop = netpol_stop(host.handle(), 0);
    feed = host.Feed(NETPOL_UPSERT, NamespaceJson("x"));
    destroy = netpol_destroy(host.handle());
    request = netpol_request_sync(host.handle());
    status = host.Status();
  });
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_EQ(stop, NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(feed, NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(destroy, NETPOL_FAILED_PRECONDITION);
  EXPECT_EQ(request, NETPOL_OK);
  EXPECT_EQ(json::parse(status)["node"], "node-a");
  EXPECT_EQ(netpol_stop(host.handle(), 0), NETPOL_OK) << "outside it may";
}

TEST_F(CApiTest, WhatACallbackThrowsEndsThere) {
  const NetNs ns = NewNs();
  CHost host;
  host.OnFirstSync([&host] {
    host.OnFirstSync({});
    throw 1;
  });
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitEmptyPreview());
  EXPECT_THAT(KernelOf(ns), HasSubstr("KUBE-POD-FW-"));
}

TEST_F(CApiTest, LogAndStatusNameWhatIsWrongWithAPolicy) {
  const NetNs ns = NewNs();
  CHost host;
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  const std::string broken = R"({
      "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
      "metadata": {"namespace": "web", "name": "odd"},
      "spec": {"podSelector": {}, "ingress": [
          {"from": [{"ipBlock": {"cidr": "10.0.0.0/99"}}]}]}})";
  ASSERT_EQ(host.Feed(NETPOL_UPSERT, broken), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_TRUE(CHost::Await([&] {
    return absl::StrContains(host.log(), "web/odd");
  })) << host.log();
  const json status = json::parse(host.Status());
  EXPECT_EQ(status["counts"]["policiesInError"], "1") << status;
  EXPECT_EQ(status["counts"]["policies"], "2");
  EXPECT_TRUE(status["alive"]);
  EXPECT_TRUE(status["healthy"]) << status;
  EXPECT_TRUE(status["ready"]);
}

// ---- An API server.

TEST_F(CApiTest, AServerThatIsAwayIsToldAndTheKernelStaysAsItIs) {
  const NetNs ns = NewNs();
  // Nothing listens in an empty namespace.
  CHost host([](netpol_options& options) {
    options.source = NETPOL_SOURCE_KUBERNETES;
    options.master = "http://127.0.0.1:1";
  });
  ASSERT_EQ(host.StartIn(ns), NETPOL_OK) << host.LastError();
  EXPECT_TRUE(host.AwaitHealthReason("127.0.0.1")) << host.log();
  EXPECT_EQ(host.Feed(NETPOL_UPSERT, NamespaceJson("x")),
            NETPOL_FAILED_PRECONDITION);
  const json status = json::parse(host.Status());
  EXPECT_EQ(status["kinds"].size(), 4u) << status;
  EXPECT_FALSE(status["healthy"]) << status;
  EXPECT_THAT(KernelOf(ns), Not(HasSubstr("KUBE-")));
}

TEST_F(CApiTest, AKubeconfigThatIsNotThereIsAnErrorAndMayComeLater) {
  CHost host([](netpol_options& options) {
    options.source = NETPOL_SOURCE_KUBERNETES;
    options.kubeconfig = "/nowhere/kubeconfig";
  });
  ASSERT_NE(host.handle(), nullptr);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(netpol_start(host.handle()), NETPOL_NOT_FOUND);
    EXPECT_THAT(host.LastError(), HasSubstr("/nowhere/kubeconfig"));
  }
  EXPECT_EQ(json::parse(host.Status()).count("alive"), 0u) << "not started";
}

// ---- Preflight.

TEST_F(CApiTest, CheckNamesWhatIsNeeded) {
  char* text = nullptr;
  ASSERT_EQ(netpol_check(NETPOL_IPV4, &text), NETPOL_OK);
  const json result = json::parse(TakeText(text));
  EXPECT_TRUE(result["findings"].is_array());
  EXPECT_GT(result["findings"].size(), 5u);
  EXPECT_EQ(result["findings"][0]["name"], "CAP_NET_ADMIN");
  EXPECT_TRUE(result["ok"].is_boolean());
}

}  // namespace
}  // namespace netpol
