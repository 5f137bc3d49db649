#include "netpol/daemon/metrics.h"

#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

struct Shown {
  std::string type;
  std::string help;
  // "{kind="Pod"}" → value; histograms: suffix and labels, "_bucket{le="1"}".
  std::map<std::string, double> samples;
};

// What a scraper makes of a page; the test fails where it is no text of
// Prometheus'.
std::map<std::string, Shown> Scrape(const std::string& page) {
  std::map<std::string, Shown> shown;
  std::string current;
  EXPECT_TRUE(absl::EndsWith(page, "\n"));
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(page, '\n', absl::SkipEmpty()))) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (absl::StartsWith(line, "# HELP ")) {
      current = words[2];
      EXPECT_EQ(shown.count(current), 0u) << "twice: " << line;
      shown[current].help =
          line.substr(line.find(current) + current.size() + 1);
    } else if (absl::StartsWith(line, "# TYPE ")) {
      EXPECT_EQ(words[2], current) << line;
      shown[current].type = words[3];
    } else {
      const size_t blank = line.rfind(' ');
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(line.substr(blank + 1), &value)) << line;
      EXPECT_TRUE(absl::StartsWith(line, current)) << line;
      shown[current]
          .samples[line.substr(current.size(), blank - current.size())] = value;
    }
  }
  return shown;
}

EnforcerState SomeState() {
  EnforcerState state;
  state.kernel_open = true;
  state.kernel_problems = {"no sets"};
  state.source_error = "gone";
  state.source_failing_since = kNow - absl::Seconds(7);
  state.source_problems = 3;
  state.loop.syncs = 10;
  state.loop.failed_syncs = 2;
  state.loop.repairs = 4;
  state.loop.pending = 5;
  state.loop.oldest_pending = kNow - absl::Milliseconds(1500);
  state.loop.last_success = kNow - absl::Seconds(30);
  state.loop.policies_in_error = 6;
  state.loop.node_problems = {"a", "b"};
  state.loop.counts = {.namespaces = 11,
                       .pods = 12,
                       .local_pods = 13,
                       .policies = 14,
                       .sets = 15,
                       .chains = 16,
                       .rules = 17};
  FollowedKind pods;
  pods.kind = v1::WatchEvent::POD;
  pods.phase = FollowedKind::Phase::kFollowing;
  pods.listed = true;
  pods.last_heard = kNow - absl::Seconds(1);
  pods.lists = 21;
  pods.watches = 22;
  pods.errors = 23;
  pods.events = 24;
  FollowedKind policies;
  policies.kind = v1::WatchEvent::NETWORK_POLICY;
  policies.failing_since = kNow - absl::Seconds(90);
  state.followed = {pods, policies};
  return state;
}

HealthVerdict SomeVerdict() {
  HealthVerdict verdict;
  verdict.alive = true;
  verdict.healthy = false;
  verdict.ready = true;
  return verdict;
}

std::map<std::string, Shown> ScrapeOf(const EnforcerState& state) {
  Metrics metrics;
  metrics.Update(state, SomeVerdict(), kNow);
  return Scrape(metrics.Render());
}

double ValueOf(const std::map<std::string, Shown>& shown,
               const std::string& name, const std::string& labels = "") {
  const auto metric = shown.find(name);
  if (metric == shown.end()) {
    ADD_FAILURE() << "no metric " << name;
    return -1;
  }
  const auto sample = metric->second.samples.find(labels);
  if (sample == metric->second.samples.end()) {
    ADD_FAILURE() << name << " has no sample " << labels;
    return -1;
  }
  return sample->second;
}

// Names, types and label names that kube-router's dashboards ask for.
TEST(MetricsTest, KubeRoutersNamesHaveItsTypesAndLabels) {
  struct Expected {
    std::string name;
    std::string type;
    std::vector<std::string> labels;
  };
  const std::vector<Expected> expected = {
      {"kube_router_build_info", "gauge", {"goversion", "version"}},
      {"kube_router_controller_iptables_sync_time", "histogram", {}},
      {"kube_router_controller_iptables_v4_save_time", "histogram", {}},
      {"kube_router_controller_iptables_v6_save_time", "histogram", {}},
      {"kube_router_controller_iptables_v4_restore_time", "histogram", {}},
      {"kube_router_controller_iptables_v6_restore_time", "histogram", {}},
      {"kube_router_controller_policy_chains_sync_time", "histogram", {}},
      {"kube_router_controller_policy_ipset_v4_restore_time", "histogram", {}},
      {"kube_router_controller_policy_ipset_v6_restore_time", "histogram", {}},
      {"kube_router_controller_policy_chains", "gauge", {}},
      {"kube_router_controller_policy_ipsets", "gauge", {}},
  };
  const std::map<std::string, Shown> shown = ScrapeOf(SomeState());
  for (const Expected& each : expected) {
    ASSERT_EQ(shown.count(each.name), 1u) << each.name;
    const Shown& found = shown.at(each.name);
    EXPECT_EQ(found.type, each.type) << each.name;
    EXPECT_THAT(found.help, Not(IsEmpty())) << each.name;
    if (each.type == "gauge") {
      ASSERT_THAT(found.samples, SizeIs(1)) << each.name;
      std::vector<std::string> labels;
      for (absl::string_view label :
           absl::StrSplit(found.samples.begin()->first, absl::ByAnyChar("{},"),
                          absl::SkipEmpty())) {
        labels.push_back(std::string(label.substr(0, label.find('='))));
      }
      EXPECT_EQ(labels, each.labels) << each.name;
      continue;
    }
    std::vector<std::string> bounds;
    for (const auto& [sample, value] : found.samples) {
      if (absl::StartsWith(sample, "_bucket{le=\""))
        bounds.push_back(sample.substr(12, sample.size() - 14));
    }
    // Those of the client that it uses, in order of their texts.
    EXPECT_THAT(bounds,
                ElementsAre("+Inf", "0.005", "0.01", "0.025", "0.05", "0.1",
                            "0.25", "0.5", "1", "10", "2.5", "5"))
        << each.name;
  }
}

TEST(MetricsTest, EveryMetricHasATypeAndAHelpText) {
  for (const auto& [name, shown] : ScrapeOf(SomeState())) {
    EXPECT_THAT(shown.help, Not(IsEmpty())) << name;
    EXPECT_THAT(shown.samples, Not(IsEmpty())) << name;
    EXPECT_EQ(shown.type == "counter", absl::EndsWith(name, "_total")) << name;
  }
}

TEST(MetricsTest, StateIsShownAsItIs) {
  const std::map<std::string, Shown> shown = ScrapeOf(SomeState());
  const std::map<std::string, double> expected = {
      {"kube_router_controller_policy_chains", 16},
      {"kube_router_controller_policy_ipsets", 15},
      {"netpol_chains", 16},
      {"netpol_rules", 17},
      {"netpol_sets", 15},
      {"netpol_namespaces", 11},
      {"netpol_pods", 12},
      {"netpol_local_pods", 13},
      {"netpol_policies", 14},
      {"netpol_policies_in_error", 6},
      {"netpol_source_problems", 3},
      {"netpol_node_problems", 2},
      {"netpol_source_failing_seconds", 7},
      {"netpol_kernel_open", 1},
      {"netpol_kernel_problems", 1},
      {"netpol_pending_changes", 5},
      {"netpol_oldest_pending_seconds", 1.5},
      {"netpol_last_successful_sync_timestamp_seconds", 1'799'999'970},
      {"netpol_alive", 1},
      {"netpol_healthy", 0},
      {"netpol_ready", 1},
      {"netpol_syncs_total", 10},
      {"netpol_failed_syncs_total", 2},
      {"netpol_kernel_repairs_total", 4},
  };
  for (const auto& [name, value] : expected)
    EXPECT_EQ(ValueOf(shown, name), value) << name;
}

TEST(MetricsTest, EachKindThatIsWatchedIsShown) {
  const std::map<std::string, Shown> shown = ScrapeOf(SomeState());
  const std::string pod = "{kind=\"Pod\"}";
  const std::string policy = "{kind=\"NetworkPolicy\"}";
  EXPECT_EQ(ValueOf(shown, "netpol_watch_following", pod), 1);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_following", policy), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_listed", pod), 1);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_listed", policy), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_failing_seconds", pod), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_failing_seconds", policy), 90);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_last_heard_timestamp_seconds", pod),
            1'799'999'999);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_last_heard_timestamp_seconds", policy),
            0);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_lists_total", pod), 21);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_opened_total", pod), 22);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_errors_total", pod), 23);
  EXPECT_EQ(ValueOf(shown, "netpol_watch_events_total", pod), 24);
}

TEST(MetricsTest, TheFlavourThatIsEnforcedIsShown) {
  EnforcerState state = SomeState();
  const std::string legacy = "{backend=\"legacy\"}";
  const std::string nft = "{backend=\"nft\"}";
  std::map<std::string, Shown> shown = ScrapeOf(state);
  EXPECT_EQ(ValueOf(shown, "netpol_iptables_backend", legacy), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_iptables_backend", nft), 0);
  state.flavour = Flavour::kNft;
  shown = ScrapeOf(state);
  EXPECT_EQ(ValueOf(shown, "netpol_iptables_backend", legacy), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_iptables_backend", nft), 1);
}

TEST(MetricsTest, WhatNeverWasIsZero) {
  const std::map<std::string, Shown> shown = ScrapeOf(EnforcerState());
  EXPECT_EQ(ValueOf(shown, "netpol_oldest_pending_seconds"), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_last_successful_sync_timestamp_seconds"), 0);
  EXPECT_EQ(ValueOf(shown, "netpol_source_failing_seconds"), 0);
  EXPECT_EQ(shown.count("netpol_watch_following"), 0u);
}

TEST(MetricsTest, CountersNeverFall) {
  Metrics metrics;
  EnforcerState state = SomeState();
  metrics.Update(state, SomeVerdict(), kNow);
  state.loop.syncs = 3;
  metrics.Update(state, SomeVerdict(), kNow);
  EXPECT_EQ(ValueOf(Scrape(metrics.Render()), "netpol_syncs_total"), 10);
  state.loop.syncs = 12;
  metrics.Update(state, SomeVerdict(), kNow);
  EXPECT_EQ(ValueOf(Scrape(metrics.Render()), "netpol_syncs_total"), 12);
}

TEST(MetricsTest, TimesAreObservedWhereThereWasSomethingToMeasure) {
  Metrics metrics;
  SyncReport report;
  report.times.preparing = absl::Milliseconds(10);
  report.times.engine = absl::Milliseconds(20);
  report.times.of(Family::kIPv4).commit = absl::Milliseconds(8);
  report.times.of(Family::kIPv6).sets = absl::Milliseconds(3);
  report.writes = {.set_messages = 5, .table_commits = 1};
  metrics.Observe(report);
  metrics.Observe(report);
  const std::map<std::string, Shown> shown = Scrape(metrics.Render());
  const std::string prefix = "kube_router_controller_";
  const auto count = [&](const std::string& name) {
    return ValueOf(shown, prefix + name, "_count");
  };
  EXPECT_EQ(count("iptables_sync_time"), 2);
  EXPECT_DOUBLE_EQ(ValueOf(shown, prefix + "iptables_sync_time", "_sum"), 0.06);
  EXPECT_EQ(
      ValueOf(shown, prefix + "iptables_sync_time", "_bucket{le=\"0.025\"}"),
      0);
  EXPECT_EQ(
      ValueOf(shown, prefix + "iptables_sync_time", "_bucket{le=\"0.05\"}"), 2);
  EXPECT_EQ(count("iptables_v4_save_time"), 0);
  EXPECT_EQ(count("iptables_v6_save_time"), 0);
  EXPECT_EQ(count("iptables_v4_restore_time"), 2);
  EXPECT_EQ(count("iptables_v6_restore_time"), 0);
  EXPECT_EQ(count("policy_ipset_v4_restore_time"), 0);
  EXPECT_EQ(count("policy_ipset_v6_restore_time"), 2);
  EXPECT_DOUBLE_EQ(ValueOf(shown, prefix + "policy_chains_sync_time", "_sum"),
                   0.026);
  EXPECT_EQ(
      ValueOf(shown, "netpol_kernel_writes_total", "{kind=\"set_message\"}"),
      10);
  EXPECT_EQ(
      ValueOf(shown, "netpol_kernel_writes_total", "{kind=\"table_commit\"}"),
      2);
}

TEST(MetricsTest, LatencyCountsEachEvent) {
  Metrics metrics;
  metrics.ObserveInKernel(absl::Milliseconds(15), 3);
  metrics.ObserveInKernel(absl::Milliseconds(1), 1);
  metrics.ObserveInKernel(absl::Seconds(61), 2);
  metrics.ObserveInKernel(absl::Seconds(-1), 1);
  metrics.ObserveInKernel(absl::Seconds(1), 0);
  const std::map<std::string, Shown> shown = Scrape(metrics.Render());
  const auto bucket = [&](const std::string& le) {
    return ValueOf(shown, "netpol_event_to_kernel_seconds",
                   absl::StrCat("_bucket{le=\"", le, "\"}"));
  };
  EXPECT_EQ(bucket("0.001"), 2);
  EXPECT_EQ(bucket("0.01"), 2);
  EXPECT_EQ(bucket("0.02"), 5);
  EXPECT_EQ(bucket("60"), 5);
  EXPECT_EQ(bucket("+Inf"), 7);
  EXPECT_DOUBLE_EQ(ValueOf(shown, "netpol_event_to_kernel_seconds", "_sum"),
                   0.045 + 0.001 + 122);
}

TEST(MetricsTest, TwoShowNothingOfEachOther) {
  Metrics one, other;
  one.ObserveInKernel(absl::Seconds(1), 1);
  EXPECT_EQ(ValueOf(Scrape(other.Render()), "netpol_event_to_kernel_seconds",
                    "_count"),
            0);
}

TEST(MetricsTest, ProcessIsThisOne) {
  const std::map<std::string, Shown> before = ScrapeOf(EnforcerState());
  EXPECT_GT(ValueOf(before, "process_resident_memory_bytes"), 100'000);
  EXPECT_GT(ValueOf(before, "process_virtual_memory_bytes"),
            ValueOf(before, "process_resident_memory_bytes"));
  EXPECT_GE(ValueOf(before, "process_cpu_seconds_total"), 0);
  EXPECT_GE(ValueOf(before, "process_threads"), 1);
  EXPECT_GT(ValueOf(before, "process_max_fds"),
            ValueOf(before, "process_open_fds"));
  // The machine was started after this line was written.
  EXPECT_GT(ValueOf(before, "process_start_time_seconds"), 1'500'000'000);
  const int copy = dup(STDERR_FILENO);
  const std::map<std::string, Shown> after = ScrapeOf(EnforcerState());
  close(copy);
  EXPECT_EQ(ValueOf(after, "process_open_fds"),
            ValueOf(before, "process_open_fds") + 1);
}

}  // namespace
}  // namespace netpol
