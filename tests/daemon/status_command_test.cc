// `netpolctl status`, from a daemon's state to what is printed.
#include "netpol/daemon/status_command.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/daemon/control_server.h"
#include "netpol/daemon/status_form.h"
#include "netpol/daemon/status_service.h"
#include "netpol/enforcer/status_report.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

EnforcerState Sound() {
  EnforcerState state;
  state.node_name = "node-a";
  state.started = kNow - absl::Hours(1);
  state.sync_period = absl::Minutes(5);
  state.last_beat = kNow;
  state.kernel_open = true;
  state.flavour = Flavour::kNft;
  state.flavour_reason = "kubelet's chains are there";
  state.loop.synced_once = true;
  state.loop.last_success = kNow - absl::Seconds(12);
  state.loop.syncs = 40;
  state.loop.repairs = 1;
  state.loop.counts = {.namespaces = 1,
                       .pods = 200,
                       .local_pods = 30,
                       .policies = 4,
                       .sets = 5,
                       .chains = 6,
                       .rules = 7};
  FollowedKind pods;
  pods.kind = v1::WatchEvent::POD;
  pods.phase = FollowedKind::Phase::kFollowing;
  pods.listed = true;
  pods.last_heard = kNow - absl::Milliseconds(250);
  pods.lists = 1;
  pods.watches = 2;
  pods.events = 203;
  state.followed = {pods};
  return state;
}

EnforcerState Troubled() {
  EnforcerState state = Sound();
  state.loop.last_error = absl::UnavailableError("the lock is held");
  state.loop.failed_syncs = 3;
  state.loop.pending = 2;
  state.loop.oldest_pending = kNow - absl::Seconds(40);
  state.loop.policies_in_error = 1;
  state.kernel_problems = {"no sets: load ip_set"};
  FollowedKind policies;
  policies.kind = v1::WatchEvent::NETWORK_POLICY;
  policies.failing_since = kNow - absl::Seconds(192);
  policies.error = "forbidden: grant watch";
  policies.errors = 9;
  state.followed.push_back(policies);
  return state;
}

std::string TextOfState(const EnforcerState& state) {
  return TextOf(StatusOf(state, JudgeHealth(state, kNow), kNow));
}

// A daemon that says how it stands with a state, and the command.
class StatusCommandTest : public testing::Test {
 protected:
  StatusCommandTest() {
    // The folder for tests has too long a name for a socket.
    std::string pattern = "/tmp/status.XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    flags_.command = CommandKind::kStatus;
    flags_.control_socket = folder_ + "/socket";
  }
  ~StatusCommandTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void StartDaemon(const EnforcerState& state) {
    absl::StatusOr<std::unique_ptr<ControlServer>> server =
        ControlServer::Start(
            flags_.control_socket,
            {{kStatusRoute,
              [state](const std::string&) -> absl::StatusOr<std::string> {
                return AnswerStatus(state, JudgeHealth(state, kNow), kNow);
              }}});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  ExitCode Run() {
    out_.str("");
    err_.str("");
    Console console(flags_, out_, err_, false);
    return RunStatus(flags_, console);
  }

  std::string folder_;
  Flags flags_;
  std::unique_ptr<ControlServer> server_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(StatusCommandTest, HealthyDaemonIsShownAndIsSuccess) {
  StartDaemon(Sound());
  EXPECT_EQ(Run(), kDone);
  EXPECT_EQ(out_.str(), TextOfState(Sound()));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(StatusCommandTest, UnhealthyDaemonIsShownAndIsFailure) {
  StartDaemon(Troubled());
  EXPECT_EQ(Run(), kFailed);
  EXPECT_EQ(out_.str(), TextOfState(Troubled()));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(StatusCommandTest, JsonHasTheNumbers) {
  StartDaemon(Troubled());
  flags_.output = "json";
  EXPECT_EQ(Run(), kFailed);
  const nlohmann::json status =
      nlohmann::json::parse(out_.str(), nullptr, false);
  ASSERT_TRUE(status.is_object()) << out_.str();
  EXPECT_EQ(status["node"], "node-a");
  EXPECT_EQ(status["healthy"], false);
  EXPECT_EQ(status["ready"], true);
  EXPECT_EQ(status["uptimeSeconds"], 3600);
  EXPECT_EQ(status["oldestPendingSeconds"], 40);
  EXPECT_EQ(status["syncs"]["lastError"], "the lock is held");
  EXPECT_EQ(status["kinds"][1]["kind"], "NetworkPolicy");
  EXPECT_EQ(status["kinds"][1]["failingSeconds"], 192);
  EXPECT_EQ(status["counts"]["localPods"], "30");
  EXPECT_EQ(status["kernelProblems"][0], "no sets: load ip_set");
}

TEST_F(StatusCommandTest, WithoutADaemonTheErrorSaysWhatToDo) {
  EXPECT_EQ(Run(), kFailed);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), AllOf(StartsWith("netpolctl status: "),
                                HasSubstr(flags_.control_socket),
                                HasSubstr("start netpolctl run")));
}

TEST_F(StatusCommandTest, AnswerThatIsNoneIsAnError) {
  absl::StatusOr<std::unique_ptr<ControlServer>> server = ControlServer::Start(
      flags_.control_socket,
      {{kStatusRoute, [](const std::string&) -> absl::StatusOr<std::string> {
          return std::string("{\"healthy\": 7");
        }}});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Run(), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the daemon's answer"));
}

TEST(StatusFormTest, SoundStateIsShort) {
  EXPECT_EQ(TextOfState(Sound()),
            "healthy, ready\n"
            "node      node-a\n"
            "daemon    netpolctl 0.1.0, up for 1h\n"
            "iptables  nft: kubelet's chains are there\n"
            "syncs     last 12s ago; 40 done, 0 failed, 1 repair\n"
            "pending   nothing\n"
            "watch     Pod           followed, heard 250ms ago; 1 list, 2 "
            "watches, 203 events, 0 errors\n"
            "objects   1 namespace, 200 pods (30 on this node), 4 network "
            "policies\n"
            "kernel    5 sets, 6 chains, 7 rules\n");
}

TEST(StatusFormTest, TroubleStandsFirst) {
  EXPECT_THAT(
      TextOfState(Troubled()),
      AllOf(StartsWith("unhealthy, ready\n  no sets: load ip_set\n  the last "
                       "synchronisation failed"),
            HasSubstr("40 done, 3 failed, 1 repair; the last failed: the lock "
                      "is held\n"),
            HasSubstr("pending   2 changes, the oldest for 40s\n"),
            HasSubstr("watch     NetworkPolicy not listed yet; "),
            HasSubstr("failing for 3m12s: forbidden: grant watch\n"),
            HasSubstr("4 network policies (1 with problems)\n")));
}

TEST(StatusFormTest, StateBeforeAnythingIsNotReady) {
  EnforcerState state;
  state.started = kNow;
  state.source_error = "gone";
  EXPECT_THAT(TextOfState(state),
              AllOf(StartsWith("unhealthy, not ready yet\n"),
                    HasSubstr("syncs     none yet; "),
                    HasSubstr("source    failing: gone\n"),
                    HasSubstr("kernel    cannot be opened\n")));
  state.kernel_open = true;
  state.loop.waiting_for = "pods";
  EXPECT_THAT(TextOfState(state), AllOf(HasSubstr("; waits: pods\n"),
                                        Not(HasSubstr("cannot be opened"))));
}

TEST(StatusReportTest, WhatIsNotThereIsNotTold) {
  const v1::DaemonStatus status =
      StatusOf(Sound(), JudgeHealth(Sound(), kNow), kNow);
  EXPECT_THAT(status.reasons(), IsEmpty());
  EXPECT_FALSE(status.has_oldest_pending_seconds());
  EXPECT_FALSE(status.syncs().has_last_error());
  EXPECT_FALSE(status.syncs().has_waiting_for());
  EXPECT_FALSE(status.has_source_error());
  EXPECT_FALSE(status.kinds(0).has_failing_seconds());
}

}  // namespace
}  // namespace netpol
