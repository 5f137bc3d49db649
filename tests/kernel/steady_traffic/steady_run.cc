#include "tests/kernel/steady_traffic/steady_run.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/packet_way.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/steady_traffic/change_log.h"
#include "tests/kernel/steady_traffic/change_source.h"
#include "tests/kernel/steady_traffic/conversations.h"

namespace netpol {
namespace {

constexpr size_t kWrongKept = 5;
// Between two rounds of packets, so that there are a few thousand a second.
constexpr absl::Duration kPause = absl::Milliseconds(1);

// Pods elsewhere that most peers of random policies choose, with addresses of
// nobody in the lab.
std::vector<v1::WatchEvent> CrowdEvents(int count, bool gone) {
  std::vector<v1::WatchEvent> events;
  events.reserve(count);
  for (int i = 0; i < count; ++i) {
    const k8s::Pod pod =
        PodBuilder("ns-a", absl::StrCat("crowd-", i))
            .On("node-c")
            .Ip(absl::StrCat("10.", 128 + i / 65536, ".", i / 256 % 256, ".",
                             i % 256))
            .Ip(absl::StrCat("fd00:99::", absl::Hex(i / 65536 + 1), ":",
                             absl::Hex(i % 65536)))
            .Label("app", "web")
            .Label("tier", i % 2 == 0 ? "web" : "db")
            .Phase("Running")
            .Build();
    events.push_back(gone ? Delete(pod) : Upsert(pod));
  }
  return events;
}

class SteadyRun {
 public:
  SteadyRun(const SteadyOptions& options, std::unique_ptr<SteadyNode> node)
      : options_(options),
        node_(std::move(node)),
        changes_(SteadyClusterOptions(), options.seed) {}

  absl::StatusOr<SteadyResult> Run() {
    const absl::Time begin = absl::Now();
    for (int64_t watch = 0; !Enough(); ++watch) {
      if (watch % options_.watches_per_cluster == 0) {
        RETURN_IF_ERROR(OnNode([&] { return NewCluster(); }));
      }
      const bool crowded =
          options_.crowd > 0 && watch % options_.watches_per_crowd == 1;
      RETURN_IF_ERROR(WatchOnce(crowded));
    }
    result_.seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    result_.work = node_->work();
    ASSIGN_OR_RETURN(result_.retransmissions, node_->Retransmissions());
    return std::move(result_);
  }

 private:
  bool Enough() const {
    return node_->work().table_commits >= options_.commits;
  }

  absl::Status OnNode(const std::function<absl::Status()>& work) {
    return node_->lab().node().Run(work);
  }

  absl::Status NewCluster() {
    changes_.StartAnew();
    return node_->Restart(changes_.cluster());
  }

  // Changes and packets at the same time.
  absl::Status WatchOnce(bool crowded) {
    ++result_.watches;
    changes_.WatchSome(options_.flows,
                       [this](const Packet& p) { return MayWatch(p); });
    Conversations conversations(&node_->lab());
    RETURN_IF_ERROR(OpenConversations(conversations));
    std::atomic<bool> over = false;
    absl::Status changed;
    std::thread changing([&] {
      changed = OnNode([&] { return Change(crowded); });
      over = true;
    });
    const absl::Status sent = SendUntil(over, conversations);
    changing.join();
    for (Family family : {Family::kIPv4, Family::kIPv6}) {
      FamilyTraffic& traffic = result_.traffic[static_cast<int>(family)];
      traffic.established_sent += conversations.tally(family).sent;
      traffic.established_lost += conversations.tally(family).lost;
    }
    RETURN_IF_ERROR(changed);
    return sent;
  }

  bool MayWatch(const Packet& packet) {
    const NetNs* source = node_->lab().OwnerOf(packet.source);
    const NetNs* destination = node_->lab().OwnerOf(packet.destination);
    return source != nullptr && destination != nullptr &&
           source != destination && !IsForNodePort(changes_.node(), packet);
  }

  absl::Status OpenConversations(Conversations& conversations) {
    for (const WatchedFlow& flow : changes_.flows()) {
      if (conversations.size() >= static_cast<size_t>(options_.conversations))
        break;
      if (!flow.allowed) continue;
      RETURN_IF_ERROR(conversations.Open(flow.packet).status());
    }
    return absl::OkStatus();
  }

  // ---- in the node

  absl::Status Change(bool crowded) {
    for (int i = 0; i < options_.batches_per_watch && !Enough(); ++i) {
      if (crowded && i == options_.batches_per_watch / 3)
        RETURN_IF_ERROR(Apply(CrowdEvents(options_.crowd, /*gone=*/false)));
      if (crowded && i == options_.batches_per_watch / 3 * 2)
        RETURN_IF_ERROR(Apply(CrowdEvents(options_.crowd, /*gone=*/true)));
      // The crowd would be forgotten.
      if (!crowded && changes_.random().Chance(2)) {
        log_.Begin({});
        RETURN_IF_ERROR(node_->Restart(changes_.cluster()));
      }
      const std::vector<v1::WatchEvent> events = changes_.Next();
      if (events.empty()) return absl::OkStatus();
      RETURN_IF_ERROR(Apply(events));
    }
    return absl::OkStatus();
  }

  absl::Status Apply(const std::vector<v1::WatchEvent>& events) {
    log_.Begin(events);
    return node_->Apply(events, /*reread=*/changes_.random().Chance(3));
  }

  // ---- elsewhere

  absl::Status SendUntil(const std::atomic<bool>& over,
                         Conversations& conversations) {
    std::vector<ProbeSpec> specs;
    for (const WatchedFlow& flow : changes_.flows()) {
      const Packet& packet = flow.packet;
      specs.push_back({packet.source, packet.destination, packet.protocol,
                       packet.destination_port});
    }
    // The list itself stays as it is until the next watch.
    const std::vector<WatchedFlow> flows = changes_.flows();
    for (bool last = false; !last;) {
      last = over;
      const int64_t first = log_.last();
      ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                       node_->lab().Probe(specs));
      for (size_t i = 0; i < flows.size(); ++i)
        Count(flows[i], outcomes[i], first);
      RETURN_IF_ERROR(conversations.SayAll());
      absl::SleepFor(kPause);
    }
    return absl::OkStatus();
  }

  void Count(const WatchedFlow& flow, ProbeOutcome outcome, int64_t first) {
    FamilyTraffic& traffic =
        result_.traffic[static_cast<int>(flow.packet.source.family)];
    const bool arrived = outcome == ProbeOutcome::kAllowed;
    if (flow.allowed) {
      ++traffic.allowed_sent;
      if (!arrived) ++traffic.lost;
    } else {
      ++traffic.denied_sent;
      if (arrived) ++traffic.passed;
      if (outcome == ProbeOutcome::kDropped) ++traffic.unanswered;
    }
    if (arrived == flow.allowed || result_.wrong.size() >= kWrongKept) return;
    result_.wrong.push_back(absl::StrCat(
        flow.packet.ToString(),
        arrived ? absl::StrCat(" passed, refused by ", flow.refused_by)
        : outcome == ProbeOutcome::kRejected ? " was rejected"
                                             : " was lost",
        ", during\n", log_.Since(first)));
  }

  const SteadyOptions& options_;
  std::unique_ptr<SteadyNode> node_;
  ChangeSource changes_;
  ChangeLog log_;
  SteadyResult result_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Dataplane>> OpenLinuxKernel() {
  ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> kernel, OpenLabKernel());
  return std::unique_ptr<Dataplane>(std::move(kernel));
}

int64_t SteadyResult::packets() const {
  int64_t sum = 0;
  for (const FamilyTraffic& one : traffic)
    sum += one.allowed_sent + one.denied_sent + one.established_sent;
  return sum;
}

absl::StatusOr<SteadyResult> RunSteadyTraffic(const SteadyOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<SteadyNode> node,
                   SteadyNode::Create(SteadyClusterOptions(),
                                      options.open_kernel ? options.open_kernel
                                                          : OpenLinuxKernel));
  return SteadyRun(options, std::move(node)).Run();
}

}  // namespace netpol
