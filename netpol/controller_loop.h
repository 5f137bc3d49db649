// Drives a Controller: takes events from any thread, syncs on one of its own.
#ifndef NETPOL_CONTROLLER_LOOP_H_
#define NETPOL_CONTROLLER_LOOP_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/base/pacer.h"
#include "netpol/controller.h"
#include "netpol/event_inbox.h"
#include "netpol/sync/sync_engine.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// What to tell the host. Called on the loop's thread; may call Post() and
// health() of the loop, and nothing else of it. Any may be empty.
struct ControllerLoopCallbacks {
  std::function<void(const SyncReport&)> on_synced;
  // A Sync() failed, or an event was refused; what was enforced stays enforced.
  std::function<void(const absl::Status&)> on_error;
  // The problems of one policy changed (empty: mended or gone).
  std::function<void(const ObjectKey&, const std::vector<std::string>&)>
      on_policy_problems;
  // `events` that were posted together came into the kernel `delay` after that.
  std::function<void(absl::Duration delay, size_t events)> on_in_kernel;
};

// Whether the node enforces what it was told.
struct LoopHealth {
  bool synced_once = false;
  absl::Status last_error;  // of the last Sync(); OK if that succeeded
  absl::Time last_success = absl::InfinitePast();
  // The oldest event that is not in the kernel yet; InfiniteFuture if none
  // waits.
  absl::Time oldest_pending = absl::InfiniteFuture();
  // Events that were posted and are not in the kernel yet.
  size_t pending = 0;
  uint64_t syncs = 0;         // that went well, and
  uint64_t failed_syncs = 0;  // others; none counts while objects are unknown
  // Chains and sets that were found changed in the kernel by somebody else, and
  // mended.
  uint64_t repairs = 0;
  // Why nothing is enforced yet, and since when; empty once it is.
  std::string waiting_for;
  absl::Time waiting_since = absl::InfiniteFuture();
  size_t policies_in_error = 0;  // that have problems
  ControllerCounts counts;
  std::vector<std::string> node_problems;  // Controller::node_problems()
};

// When it is idle, an event is in the kernel as soon as that can be. Under load
// table commits are spaced as PacerOptions says, each for all that came
// meanwhile; what needs no commit, such as members of sets, goes on between
// them, unless something waits that does.
//
// Thread-safe. One mutex guards the inbox and the health; the controller
// belongs to the loop's thread.
class ControllerLoop {
 public:
  // Between two looks whether another program changed what is ours in the
  // kernel (Controller::LookForChanges()).
  static constexpr absl::Duration kLookPeriod = absl::Seconds(5);

  ControllerLoop(std::unique_ptr<Controller> controller, PacerOptions pacing,
                 ControllerLoopCallbacks callbacks,
                 absl::Duration look_period = kLookPeriod);
  // As Stop().
  ~ControllerLoop();
  ControllerLoop(const ControllerLoop&) = delete;
  ControllerLoop& operator=(const ControllerLoop&) = delete;

  void Post(std::vector<v1::WatchEvent> events);

  // Waits until fewer than `events` are posted and not taken by the loop's
  // thread: the end of a source that is faster than that. Returns at once when
  // the loop is stopped. Not for callbacks of the loop.
  void AwaitRoom(size_t events);

  // What the next sync would do: Controller::Preview() on the loop's thread,
  // after everything that was posted before. Not for callbacks of the loop.
  absl::StatusOr<Plan> Preview();

  // As Controller::SetNodeAddresses(); a sync follows soon.
  void SetNodeAddresses(std::vector<IpAddress> addresses);

  // Read the kernel again and sync, soon.
  void RequestResync();

  // Calls `look` on the loop's thread, between two batches and after everything
  // that was posted before, and returns after it; waits while a batch is in
  // work. Unavailable, and no call, once Stop() was called. Not for callbacks
  // of the loop.
  absl::Status Inspect(const std::function<void(const Controller&)>& look);

  // Ends the thread after the batch it is in. Enforcement stays in place.
  void Stop();

  LoopHealth health() const;

 private:
  // A thread that waits in Inspect() or Preview(). What it is told stands under
  // mutex_.
  struct Inspection {
    const std::function<void(Controller&)>* look = nullptr;
    bool done = false;
    bool cancelled = false;
  };
  // What one round of the thread is to do.
  struct Work {
    std::vector<v1::WatchEvent> events;
    std::vector<Inspection*> inspections;
    bool stopped = false;
    bool due = false;         // a sync
    bool look = false;        // for what others changed
    bool light_only = false;  // only if it needs no table commit
    bool reread = false;      // of the kernel, before the sync
  };

  // Events that came together, until they are in the kernel.
  struct Posted {
    absl::Time when;
    size_t events = 0;
  };

  // There are never very many: the last stand for those that came after them.
  static void Append(const Posted& posted, std::vector<Posted>& all);
  void Run();
  Work AwaitWork();
  absl::Status Visit(const std::function<void(Controller&)>& look);
  // Returns when there is news, or a run is due. `lock` holds mutex_.
  void Wait(std::unique_lock<std::mutex>& lock);
  void Take(std::vector<v1::WatchEvent> events);
  // Whether another program changed something.
  bool Look();
  // `defer`: what was due is heavy now.
  void AskForReading(bool defer);
  // Whether a sync would commit a table, or cannot be foreseen.
  bool NeedsCommit();
  void SyncNow(bool reread);
  RunResult Sync(bool reread, RunWeight& weight);
  // How the sync that began at `begin` and ended with `report` leaves things;
  // `known` is why it could not be, if it could not.
  void Note(const absl::Status& known, const absl::StatusOr<SyncReport>& report,
            absl::Time begin);
  void TellProblems();
  // Calls what they ask for, or not if `stopped`, and lets them go.
  void Answer(const std::vector<Inspection*>& waiting, bool stopped);

  std::unique_ptr<Controller> controller_;
  ControllerLoopCallbacks callbacks_;
  absl::Duration period_;
  const absl::Duration look_period_;
  absl::Time next_look_;  // by the clock of the pacer
  // The last sync that read the kernel anew.
  absl::Duration reading_took_ = absl::ZeroDuration();
  // By the clock of the pacer; of the last time that the kernel was read anew
  // because that was due or asked for.
  absl::Time last_reread_ = absl::InfinitePast();
  absl::btree_map<ObjectKey, std::vector<std::string>> told_problems_;
  // The loop's thread has taken these, and has yet to bring them into the
  // kernel.
  std::vector<Posted> taken_;
  std::vector<Posted> arrived_;  // into the kernel with the last sync

  // The standard library's, since ThreadSanitizer does not see into the Abseil
  // that Debian builds. Guards everything from here to `health_`.
  mutable std::mutex mutex_;
  std::condition_variable awake_;
  Pacer pacer_;
  EventInbox inbox_;
  std::vector<Posted> posted_;    // what is in inbox_
  std::condition_variable room_;  // the inbox was taken
  absl::optional<std::vector<IpAddress>> node_addresses_;  // not yet told
  std::vector<Inspection*> inspections_;  // of threads that wait
  std::condition_variable inspected_;
  bool wake_ = false;
  bool resync_ = false;
  bool stop_ = false;
  LoopHealth health_;

  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace netpol

#endif  // NETPOL_CONTROLLER_LOOP_H_
