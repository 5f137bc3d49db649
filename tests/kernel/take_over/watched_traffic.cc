#include "tests/kernel/take_over/watched_traffic.h"

#include <netinet/in.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr size_t kStories = 8;
// Of each protocol.
constexpr int kConversations = 4;
constexpr std::chrono::seconds kLongestRound(30);

}  // namespace

WatchedTraffic::WatchedTraffic(PacketLab* lab, std::vector<WatchedFlow> flows)
    : lab_(lab), flows_(std::move(flows)), conversations_(lab) {}

absl::StatusOr<std::unique_ptr<WatchedTraffic>> WatchedTraffic::Begin(
    PacketLab* lab, std::vector<WatchedFlow> flows) {
  std::unique_ptr<WatchedTraffic> traffic(
      new WatchedTraffic(lab, std::move(flows)));
  RETURN_IF_ERROR(traffic->Converse());
  traffic->thread_ = std::thread([t = traffic.get()] { t->Run(); });
  return traffic;
}

WatchedTraffic::~WatchedTraffic() { End().IgnoreError(); }

// Both families take part, since flows come in pairs.
absl::Status WatchedTraffic::Converse() {
  int left[2] = {kConversations, kConversations};
  for (const WatchedFlow& flow : flows_) {
    if (!flow.allowed) continue;
    int& some = left[flow.packet.protocol == IPPROTO_TCP ? 0 : 1];
    if (some == 0) continue;
    ASSIGN_OR_RETURN(const bool open, conversations_.Open(flow.packet));
    some -= open ? 1 : 0;
  }
  return absl::OkStatus();
}

void WatchedTraffic::Note(absl::string_view what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  what_ = std::string(what);
}

void WatchedTraffic::AwaitRound() {
  std::unique_lock<std::mutex> lock(mutex_);
  // The one that is under way began before.
  const int64_t enough = begun_ + 1;
  round_ended_.wait_for(lock, kLongestRound,
                        [&] { return ended_ >= enough || !failure_.ok(); });
}

absl::StatusOr<TrafficTally> WatchedTraffic::End() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
  }
  if (thread_.joinable()) thread_.join();
  RETURN_IF_ERROR(failure_);
  return tally_;
}

void WatchedTraffic::Run() {
  std::vector<ProbeSpec> specs;
  for (const WatchedFlow& flow : flows_) {
    specs.push_back({flow.packet.source, flow.packet.destination,
                     flow.packet.protocol, flow.packet.destination_port});
  }
  for (bool last = false; !last;) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      last = over_ || !failure_.ok();
      ++begun_;
    }
    const absl::Status sent = SendRound(specs);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failure_.ok()) failure_ = sent;
    ++ended_;
    ++tally_.rounds;
    round_ended_.notify_all();
  }
}

absl::Status WatchedTraffic::SendRound(const std::vector<ProbeSpec>& specs) {
  ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                   lab_->Probe(specs));
  for (size_t i = 0; i < flows_.size(); ++i) {
    const bool arrived = outcomes[i] == ProbeOutcome::kAllowed;
    if (arrived != flows_[i].allowed) Blame(flows_[i], arrived);
  }
  const int64_t lost = LostWords();
  RETURN_IF_ERROR(conversations_.SayAll());
  const std::lock_guard<std::mutex> lock(mutex_);
  tally_.packets +=
      static_cast<int64_t>(flows_.size() + 2 * conversations_.size());
  if (LostWords() == lost) return absl::OkStatus();
  tally_.wrong += LostWords() - lost;
  tally_.stories.push_back(
      absl::StrCat("a kept connection lost something: ", what_));
  return absl::OkStatus();
}

void WatchedTraffic::Blame(const WatchedFlow& flow, bool arrived) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++tally_.wrong;
  if (tally_.stories.size() >= kStories) return;
  tally_.stories.push_back(absl::StrCat(
      flow.packet.ToString(), arrived ? " passed: " : " was lost: ", what_));
}

int64_t WatchedTraffic::LostWords() const {
  return conversations_.tally(Family::kIPv4).lost +
         conversations_.tally(Family::kIPv6).lost;
}

}  // namespace netpol
