#include "tests/apiserver/polled_source.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/api_kind.h"
#include "tests/apiserver/server_objects.h"

namespace netpol {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(3);

std::string ObjectText(const v1::WatchEvent& event) {
  const auto named = [](absl::string_view kind, const k8s::ObjectMeta& meta) {
    return absl::StrCat(kind, " ", meta.namespace_(),
                        meta.namespace_().empty() ? "" : "/", meta.name());
  };
  if (event.has_namespace_())
    return named("Namespace", event.namespace_().metadata());
  if (event.has_node()) return named("Node", event.node().metadata());
  if (event.has_pod()) return named("Pod", event.pod().metadata());
  return named("NetworkPolicy", event.network_policy().metadata());
}

bool IsWell(const FollowedKind& kind) {
  return kind.failing_since == absl::InfiniteFuture() && kind.listed &&
         kind.phase == FollowedKind::Phase::kFollowing;
}

}  // namespace

std::string EventText(const v1::WatchEvent& event) {
  switch (event.type()) {
    case v1::WatchEvent::LISTING:
      return absl::StrCat("LISTING ", ApiKindOf(event.listed_kind()).name);
    case v1::WatchEvent::LISTED:
      return absl::StrCat("LISTED ", ApiKindOf(event.listed_kind()).name,
                          event.incomplete() ? " in part" : "");
    case v1::WatchEvent::UPSERT:
      return absl::StrCat("+", ObjectText(event));
    default:
      return absl::StrCat("-", ObjectText(event));
  }
}

absl::StatusOr<std::unique_ptr<PolledSource>> PolledSource::Create(
    KubeSourceOptions options) {
  auto polled = absl::WrapUnique(new PolledSource());
  ControllerOptions controller;
  controller.node_name = options.node_name;
  controller.layout.families = {Family::kIPv4};
  auto kernel = std::make_unique<FakeDataplane>();
  polled->kernel_ = kernel.get();
  ASSIGN_OR_RETURN(
      polled->controller_,
      Controller::Create(std::move(controller), std::move(kernel)));
  ASSIGN_OR_RETURN(polled->source_, KubeSource::Create(std::move(options)));
  return polled;
}

void PolledSource::Poll(absl::Duration timeout) {
  const absl::Status status = source_->Poll(
      timeout,
      [this](const v1::WatchEvent& event) {
        told_.push_back(EventText(event));
        const absl::Status taken = controller_->OnEvent(event);
        EXPECT_TRUE(taken.ok()) << taken << "\n" << event.DebugString();
      },
      [this](const SourceProblem& problem) {
        notices_.push_back(problem.ToString());
      });
  if (!status.ok()) errors_.push_back(std::string(status.message()));
}

absl::Status PolledSource::PollUntil(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > end) {
      const size_t shown = std::min<size_t>(told_.size(), 30);
      return absl::DeadlineExceededError(absl::StrCat(
          "it does not come; told: ",
          absl::StrJoin(told_.end() - static_cast<ptrdiff_t>(shown),
                        told_.end(), ", "),
          "; errors: ", absl::StrJoin(errors_, " | ")));
    }
    Poll(absl::Milliseconds(50));
  }
  return absl::OkStatus();
}

absl::Status PolledSource::AwaitListed() {
  return PollUntil([this] {
    return controller_->CheckKnown().ok() && Of(v1::WatchEvent::NODE).listed;
  });
}

absl::Status PolledSource::AwaitSame(ApiWriter& writer) {
  ASSIGN_OR_RETURN(const Cluster cluster, ReadServer(writer));
  absl::Status same;
  const absl::Status polled = PollUntil([&] {
    same = CheckSame(cluster, controller_->state());
    return same.ok();
  });
  return polled.ok() ? polled : Annotate(polled, same.message());
}

absl::Status PolledSource::PollDuring(
    const std::function<absl::Status()>& work) {
  std::atomic<bool> done = false;
  std::thread polling([&] {
    while (!done) Poll(absl::Milliseconds(50));
  });
  const absl::Status status = work();
  done = true;
  polling.join();
  return status;
}

absl::Status PolledSource::AwaitFailing() {
  return PollUntil([this] {
    const std::vector<FollowedKind> all = source_->followed();
    return std::all_of(all.begin(), all.end(), [](const FollowedKind& kind) {
      return kind.failing_since != absl::InfiniteFuture();
    });
  });
}

absl::Status PolledSource::AwaitWell() {
  return PollUntil([this] {
    const std::vector<FollowedKind> all = source_->followed();
    return std::all_of(all.begin(), all.end(), IsWell);
  });
}

uint64_t PolledSource::Sync() {
  const absl::StatusOr<SyncReport> report = controller_->Sync();
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? report->writes.total() : 0;
}

size_t PolledSource::Told(absl::string_view text) const {
  return static_cast<size_t>(std::count(told_.begin(), told_.end(), text));
}

std::vector<std::string> PolledSource::ToldOf(absl::string_view part) const {
  std::vector<std::string> some;
  for (const std::string& text : told_)
    if (absl::StrContains(text, part)) some.push_back(text);
  return some;
}

void PolledSource::Forget() {
  told_.clear();
  kernel_->ClearLog();
}

bool PolledSource::HasError(absl::string_view part) const {
  return std::any_of(
      errors_.begin(), errors_.end(),
      [&](const std::string& error) { return absl::StrContains(error, part); });
}

FollowedKind PolledSource::Of(v1::WatchEvent::Kind kind) const {
  for (const FollowedKind& followed : source_->followed())
    if (followed.kind == kind) return followed;
  return {};
}

uint64_t PolledSource::requests_failed() const {
  uint64_t failed = 0;
  for (const FollowedKind& kind : source_->followed()) failed += kind.errors;
  return failed;
}

}  // namespace netpol
